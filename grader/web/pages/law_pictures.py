"""The pictures of a law check: each outcome's share against what is allowed, and the distance as draws are added."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from grader.domain.measurements import Bars, Check, Trace
from grader.web.pages.svg import WIDTH, box, picture, text
from grader.web.pages.wording import small

#: How long a label may be that stands beside its bars, and one above them.
_BESIDE_CHARACTERS, _ABOVE_CHARACTERS = 14, 42


@dataclass(frozen=True)
class _Layout:
    """Where bars begin, how long the longest may be, how high a row is; long labels stand above their bars."""

    left: int
    track: int
    row: int
    above: bool


_BESIDE = _Layout(94, WIDTH - 94 - 62, 32, above=False)
_ABOVE_BARS = _Layout(0, WIDTH - 62, 48, above=True)


@dataclass(frozen=True)
class _Share:
    """One outcome: by the law, as drawn, and what a correct implementation keeps within, where that is known."""

    label: str
    law: float
    drawn: float
    band: tuple[float, float] | None
    n: int

    @property
    def off(self) -> bool:
        """Whether a reader should look there: outside what is allowed."""
        if self.band is not None:
            return not self.band[0] <= self.drawn <= self.band[1]
        deviation = math.sqrt(max(0.0, self.law * (1 - self.law)) / max(1, self.n))
        return abs(self.drawn - self.law) > max(4 * deviation, 0.5 / max(1, self.n))


def bars(drawn: Bars, *, settled: bool = True) -> Markup:
    """Each outcome's share by the law and as drawn, over the band that a correct implementation ends in.

    What is outside it is a fault only where the check is `settled`.
    """
    layout = _ABOVE_BARS if any(len(label) > _BESIDE_CHARACTERS for label in drawn.labels) else _BESIDE
    bands: list[tuple[float, float] | None] = [*zip(drawn.low, drawn.high, strict=True)]
    shares = [
        _Share(*row, drawn.n)
        for row in zip(drawn.labels, drawn.expected, drawn.observed, bands or [None] * len(drawn.labels), strict=True)
    ]
    scale = layout.track / max(*drawn.expected, *drawn.observed, 0.01)
    worst = max(shares, key=lambda share: abs(share.law - share.drawn))
    words = (
        f"shares of {len(shares)} outcomes in {drawn.n:,} draws; furthest from the law: {worst.label}, "
        f"{worst.drawn:.1%} instead of {worst.law:.1%}"
    )
    off = sum(share.off for share in shares)
    if drawn.low:
        words += f"; outside what is allowed: {off or 'none'}"
    top = 46 if off else 26
    kind = " off" if settled else " open"
    rows = [part for i, share in enumerate(shares) for part in _bar(layout, top + i * layout.row, share, scale, kind)]
    return picture(top + 4 + len(shares) * layout.row, words, [*_legend(kind if off else "", bool(drawn.low)), *rows])


def _legend(off: str, band: bool) -> Iterable[str]:
    kinds = [("law", "by the law", 0, 4), ("drawn", "yours", 96, 4)]
    if band:
        kinds.append(("allowed", "allowed", 164, 4))
    if off:
        kinds.append((f"drawn{off}", "yours, outside what is allowed" if band else "yours, far off", 0, 24))
    for kind, words, x, y in kinds:
        yield box(kind, x, y, 18, 9)
        yield text(x + 23, y + 9, words)


def _bar(layout: _Layout, top: int, share: _Share, scale: float, kind: str) -> Iterable[str]:
    y = top + (14 if layout.above else 0)
    off = kind if share.off else ""
    allowed = ""
    if share.band is not None and share.band[1] > 0:
        low, high = (min(end * scale, layout.track + 8.0) for end in share.band)
        allowed = f", allowed {share.band[0]:.2%} to {share.band[1]:.2%}"
        band = box("allowed", layout.left + low, y - 2, high - low, 26)
        edges = f'<path class="edge" d="M{layout.left + low:.1f} {y - 2} v26 M{layout.left + high:.1f} {y - 2} v26"/>'
    yield (f"<g><title>{escape(share.label)}: by the law {share.law:.2%}, yours {share.drawn:.2%}{allowed}</title>")
    yield _bar_label(layout, y, share.label)
    yield band if allowed else ""
    yield box("law", layout.left, y, share.law * scale, 10)
    yield box(f"drawn{off}", layout.left, y + 12, share.drawn * scale, 10)
    yield edges if allowed else ""
    mark = " ✗" if off and share.law == 0 else ""
    yield text(WIDTH, y + 21, f"{share.drawn:.1%}{mark}", "end", f"strong{off}")
    yield "</g>"


def _bar_label(layout: _Layout, y: int, label: str) -> str:
    most = _ABOVE_CHARACTERS if layout.above else _BESIDE_CHARACTERS
    short = label if len(label) <= most else f"{label[: most - 1]}…"
    return text(0, y - 5, short) if layout.above else text(layout.left - 8, y + 15, short, "end")


#: Where the axes of a trace lie, and how many powers of ten its distances may span.
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, WIDTH - 8, 22, 132
_DECADES = 3.0


def distances(trace: Trace, check: Check) -> Markup:
    """Distance between answers and law over the draws, both log, and the zone that a correct sampler stays in."""
    drawn = [*trace.value, *trace.band]
    highest = max(*drawn, 1e-6)
    lowest = max(min(d for d in [*drawn, highest] if d > 0), highest / 10**_DECADES) * 0.8
    x, y = _scale(trace.n[0], trace.n[-1], _LEFT, _RIGHT), _scale(lowest, highest * 1.15, _BOTTOM, _TOP)
    at = [(x(n), y(max(value, lowest))) for n, value in zip(trace.n, trace.value, strict=True)]
    edge = [(x(n), y(max(value, lowest))) for n, value in zip(trace.n, trace.band, strict=True)]
    failed = check.conclusive is not False and (check.observed or 0.0) > (check.allowed or 0.0)
    off = " off" if failed and trace.value[-1] > trace.band[-1] else ""
    side = "above" if trace.value[-1] > trace.band[-1] else "below"
    words = (
        f"total variation distance to the law: {small(trace.value[0])} after {_draws(trace.n[0])}, "
        f"{small(trace.value[-1])} after {_draws(trace.n[-1])}, {side} the {small(trace.band[-1])} that 999 of 1,000 "
        "correct samplers keep under there"
    )
    last = at[-1]
    return picture(
        _BOTTOM + 38,
        words,
        [
            f'<path class="allowed" d="{_line(edge)} L{_RIGHT} {_BOTTOM} L{_LEFT} {_BOTTOM} z"/>',
            *_axes(trace, lowest, highest * 1.15, x, y),
            f'<path class="walk{off}" d="{_line(at)}"/>',
            f'<circle class="dot{off}" cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="4"/>',
            text(_LEFT, 12, "distance to the law"),
            text((_LEFT + _RIGHT) / 2, _BOTTOM + 34, "draws", "middle"),
        ],
    )


def _draws(n: int) -> str:
    return f"{n:,} draw{'' if n == 1 else 's'}"


def _axes(
    trace: Trace, lowest: float, highest: float, x: Callable[[float], float], y: Callable[[float], float]
) -> Iterable[str]:
    for tick in _ticks(trace.n[0], trace.n[-1]):
        at = x(tick)
        yield f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_BOTTOM}"/>'
        yield text(at, _BOTTOM + 16, f"{tick:,.0f}", "end" if at > _RIGHT - 12 else "middle")
    for tick in _ticks(lowest, highest):
        yield f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        yield text(_LEFT - 6, y(tick) + 4, f"{tick:g}", "end")


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A log scale from `low` to `high`, both above 0, onto `start` … `end`."""
    span = math.log(high / low) or 1.0
    return lambda value: start + (end - start) * math.log(value / low) / span


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: powers of ten, with halves and doubles between where those are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    inside = [tick for tick in fine if low <= tick <= high]
    whole = [tick for tick in inside if f"{tick:e}"[0] == "1"]
    return inside if len(inside) <= 4 else whole or inside[:: len(inside) // 3]


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
