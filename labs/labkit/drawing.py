"""Pictures in text, for terminals: the shares of a law check, and how far inside its limit an exact check is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.wording import large

MOST_ROWS = 7
_LABEL, _TRACK = 18, 28
_GAUGE = 34
#: Decades of a gauge below and above what is allowed.
_BELOW, _ABOVE = 12.0, 4.0


@dataclass(frozen=True)
class _Share:
    """One outcome: its share by the law and as drawn, and what a correct implementation keeps within."""

    label: str
    law: float
    drawn: float
    low: float
    high: float

    @property
    def outside(self) -> bool:
        return not self.low <= self.drawn <= self.high


def histogram(bars: Mapping[str, Any], false_fail_rate: float, seen: int) -> list[str]:
    """The fields of labkit.bars.Bars as lines of at most 65 columns: one an outcome, then what they mean.

    A bar is the drawn share; the shaded cells are where it ends in a correct implementation. The verdict fell after
    `seen` draws.
    """
    rows = _rows(bars)
    scale = _TRACK / max(1e-6, *(max(row.drawn, row.law, row.high if row.high < 1 else 0.0) for row in rows))
    lines = [f"{'outcome':<{_LABEL}}{'law':>7}{'yours':>8}  █ yours, ░ allowed"]
    for row in rows:
        numbers = f"{_short(row.label):<{_LABEL}}{row.law:>7.1%}{row.drawn:>8.1%}  {_bar(row, scale)}"
        lines.append(numbers.rstrip() + (" ✗" if row.outside else ""))
    drawn_on = ", drawn on after the verdict" if bars["n"] > seen else ""
    lines.append(f"{bars['n']:,} draws of this input{drawn_on}.")
    lines.append("In a correct implementation every bar ends in the shaded cells,")
    lines.append(f"but for 1 of {large(1 / false_fail_rate)} runs.")
    if not any(row.outside for row in rows):
        lines[-1] += " Here every bar does."
    return lines


def _short(label: str) -> str:
    """Begin and end of a label, where labels differ."""
    most = _LABEL - 1
    return label if len(label) <= most else f"{label[: most - most // 2 - 1]}…{label[-(most // 2) :]}"


def _rows(bars: Mapping[str, Any]) -> list[_Share]:
    """One for each outcome, in order; the smallest are told as one where there are too many."""
    names = ("labels", "expected", "observed", "low", "high")
    rows = [_Share(*row) for row in zip(*(bars[name] for name in names), strict=True)]
    if len(rows) <= MOST_ROWS:
        return rows
    weight = [max(row.law, row.drawn) + row.outside + 2 * (i == bars["worst"]) for i, row in enumerate(rows)]
    if rows[-1].label.endswith(" others"):
        weight[-1] = -1.0
    kept = sorted(sorted(range(len(rows)), key=lambda i: -weight[i])[: MOST_ROWS - 1])
    rest = [row for i, row in enumerate(rows) if i not in kept]
    return [*(rows[i] for i in kept), _together(rest)]


def _together(rows: Sequence[_Share]) -> _Share:
    low, high = sum(row.low for row in rows), min(1.0, sum(row.high for row in rows))
    return _Share("all others", sum(row.law for row in rows), sum(row.drawn for row in rows), low, high)


def _bar(row: _Share, scale: float) -> str:
    """Full cells up to the drawn share; the allowed ones are shaded, dark where the bar covers them."""
    end, low, high = (round(share * scale) for share in (row.drawn, row.low, row.high))
    end = max(end, 1) if row.drawn > 0 else 0
    cells = []
    for cell in range(max(end, min(high, _TRACK))):
        allowed = low <= cell < max(high, low + 1) and row.high > 0
        cells.append(("▓" if allowed else "█") if cell < end else "░" if allowed else " ")
    return "".join(cells)


def margin(observed: float, allowed: float) -> str:
    """Where an error lies against its limit, on a log scale, in one line; empty where the limit is 0."""
    if not 0 < allowed < math.inf or math.isnan(observed):
        return ""
    inside = round(_GAUGE * _BELOW / (_BELOW + _ABOVE))
    track = ["─"] * inside + ["┃"] + ["╌"] * (_GAUGE - inside)
    inner = 0 < observed < math.inf
    decades = math.log10(observed) - math.log10(allowed) if inner else math.copysign(math.inf, observed - allowed)
    place = inside + round(min(max(decades, -_BELOW), _ABOVE) * _GAUGE / (_BELOW + _ABOVE))
    beyond = observed > allowed
    if place == inside:
        place += 1 if beyond else -1
    track[min(max(place, 0), _GAUGE)] = "▶" if decades > _ABOVE else "●"
    return f"{''.join(track)}  {_words(observed, allowed)}"


def _words(observed: float, allowed: float) -> str:
    if observed <= allowed:
        return f"yours {observed:.2g} of {allowed:.2g}"
    times = observed / allowed
    return f"{large(times)} times the limit" if times < 1e15 else "nothing like it"
