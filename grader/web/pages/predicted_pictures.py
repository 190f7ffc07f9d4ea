"""What an engine measured, drawn: predictions against it, where a token's time went, acceptance, speed-ups."""

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup, escape

from grader.domain.measured import Outcome, Point, Prediction, Waterfall
from grader.web.pages.svg import WIDTH, box, picture, text
from grader.web.pages.wording import small

#: How an outcome is marked: sign, CSS class.
MARKS = {
    Outcome.HELD: ("✓", "good"),
    Outcome.IN_PART: ("◐", "open"),
    Outcome.MISSED: ("✗", "bad"),
    Outcome.UNSETTLED: ("?", "open"),
}
Place = Callable[[float], float]


def short(value: float) -> str:
    """Three digits of a measured number: more are noise."""
    return small(float(f"{value:.3g}"))


def titled(name: str, unit: str = "") -> str:
    """A quantity's name as people write it, and what it counts."""
    return name.replace("_", " ").capitalize() + (f", {unit}" if unit else "")


# --- predictions

_ROW, _EDGE, _INNER = 72, 6, 52
_LONGEST_NAME = 32


def intervals(predictions: Sequence[Prediction]) -> Markup:
    """A row for each: the interval, the guess in it, and what was measured, each on a scale of its own."""
    if not predictions:
        return Markup("")
    words = "; ".join(_in_words(one) for one in predictions)
    rows = [part for row, one in enumerate(predictions) for part in _interval(one, 40 + row * _ROW)]
    return picture(40 + len(predictions) * _ROW, f"predicted and measured: {words}", [*_legend(predictions), *rows])


def span(one: Prediction, to: str = " to ") -> str:
    """An interval in words."""
    if one.high is None:
        return f"{short(one.low)} or more"
    if one.low == one.high:
        return short(one.low)
    return f"{short(one.low)}{to}{short(one.high)}" if one.low else f"up to {short(one.high)}"


def _in_words(one: Prediction) -> str:
    outcome = f", measured {short(one.measured)}, {one.outcome}" if one.measured is not None else ""
    return f"{titled(one.name)} {span(one)}{outcome}"


def _legend(predictions: Sequence[Prediction]) -> Iterable[str]:
    yield box("interval", 0, 4, 18, 12)
    yield '<path class="edge" d="M0 4 v12 M18 4 v12"/>'
    yield text(24, 14, "predicted")
    if any(one.value is not None for one in predictions):
        yield '<path class="guess" d="M96 3 v14"/>'
        yield text(103, 14, "best guess")
    if any(one.measured is not None for one in predictions):
        yield '<circle class="mark measured" cx="184" cy="10" r="6"/>'
        yield text(195, 14, "measured")


def _interval(one: Prediction, top: float) -> Iterable[str]:
    place, y = _place(one), top + 34
    left = place(one.low) if one.low or one.high == 0 else float(_EDGE)
    right = place(one.high) if one.high is not None else WIDTH - float(_EDGE)
    name = titled(one.name, one.unit)
    yield f"<g><title>{escape(_in_words(one))}</title>"
    yield text(0, top + 12, name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…", kind="strong")
    yield f'<line class="grid" x1="{_EDGE}" x2="{WIDTH - _EDGE}" y1="{y:g}" y2="{y:g}"/>'
    yield box("interval", left, y - 9, right - left, 18)
    edges = [f"M{end:.1f} {y - 9:g} v18" for end, bound in ((left, one.low), (right, one.high)) if bound]
    yield f'<path class="edge" d="{" ".join(edges)}"/>' if edges else ""
    yield from _ends(one, left, right, y + 24)
    if one.value is not None:
        yield f'<path class="guess" d="M{place(one.value):.1f} {y - 11:g} v22"/>'
    if one.outcome is not None and one.measured is not None:
        sign, kind = MARKS[one.outcome]
        yield _mark(one.outcome, place(one.measured), y)
        yield text(WIDTH, top + 12, f"{short(one.measured)} {sign}", "end", f"strong {kind}")
    yield "</g>"


def _ends(one: Prediction, left: float, right: float, y: float) -> Iterable[str]:
    """The numbers that an interval begins and ends with, clear of each other."""
    if one.low == one.high:
        yield text(left, y, short(one.low), "middle")
        return
    if one.low:
        yield text(left, y, short(one.low), "start" if one.high is None else "end")
    yield text(right, y, "and more" if one.high is None else short(one.high), "end" if one.high is None else "start")


def _mark(outcome: Outcome, x: float, y: float) -> str:
    """A dot where the prediction held, a cross where it missed, a diamond for what is between."""
    if outcome is Outcome.HELD:
        return f'<circle class="mark inside" cx="{x:.1f}" cy="{y:g}" r="7"/>'
    if outcome is Outcome.MISSED:
        return f'<path class="cross" d="M{x - 6:.1f} {y - 6:g} l12 12 m0 -12 l-12 12"/>'
    return f'<path class="mark open" d="M{x:.1f} {y - 8:g} l8 8 l-8 8 l-8 -8 z"/>'


def _place(one: Prediction) -> Place:
    """Where a number of this row is: on a log scale where the numbers lie far apart, clear of the row's ends."""
    known = [x for x in (one.low or None, one.high, one.value, one.measured) if x is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    far = low > 0 and high / low > 3
    start, end = (math.log(low), math.log(high)) if far else (low, high)
    if start == end:
        return lambda value: WIDTH / 2
    return lambda value: _INNER + (WIDTH - 2 * _INNER) * ((math.log(value) if far else value) - start) / (end - start)


# --- where a token's time went

_BESIDE, _NUMBER = 104, 62
_TRACK = WIDTH - _BESIDE - _NUMBER
_BAR = 30


def waterfall(steps: Waterfall) -> Markup:
    """From plain decoding's time per token to the speculative one: shared among a cycle's tokens, times its cost."""
    rows = [
        ("plain decoding", "law", steps.baseline_ms),
        (f"÷ {small(steps.length)} tokens", "law", steps.shared_ms),
        (f"× {small(steps.cost)} steps", "drawn", steps.tpot_ms),
    ]
    longest = max(ms for _, _, ms in rows)
    words = (
        f"time per token: {short(steps.baseline_ms)} ms of plain decoding, shared among {small(steps.length)} tokens a "
        f"cycle {short(steps.shared_ms)} ms, times {small(steps.cost)} plain steps a cycle {short(steps.tpot_ms)} ms"
    )
    parts = []
    for row, (name, kind, ms) in enumerate(rows):
        y = 6 + row * _BAR
        parts += [text(_BESIDE - 8, y + 14, name, "end"), box(kind, _BESIDE, y, _TRACK * ms / longest, 20)]
        parts.append(text(WIDTH, y + 14, f"{short(ms)} ms", "end", "strong"))
    shared = _BESIDE + _TRACK * steps.shared_ms / longest
    parts.append(f'<path class="edge" d="M{shared:.1f} {6 + _BAR} V{6 + 2 * _BAR + 20}"/>')
    return picture(6 + len(rows) * _BAR, words, parts)


def positions(rates: Sequence[float]) -> Markup:
    """Of all cycles, the share in which a position's draft was accepted. Empty without any."""
    if not rates:
        return Markup("")
    parts = []
    for row, rate in enumerate(rates):
        y = 6 + row * _BAR
        parts += [text(_BESIDE - 8, y + 14, f"position {row + 1}", "end"), box("law", _BESIDE, y, _TRACK, 20)]
        parts += [box("drawn", _BESIDE, y, _TRACK * rate, 20), text(WIDTH, y + 14, f"{rate:.0%}", "end", "strong")]
    words = f"share of all cycles in which a draft was accepted, by position: {', '.join(f'{r:.0%}' for r in rates)}"
    return picture(6 + len(rates) * _BAR, words, parts)


# --- speed-ups

_LEFT, _RIGHT, _TOP, _BOTTOM = 30, WIDTH - 26, 26, 150
_NAMED = 6


def speedups(points: Sequence[Point], over: str) -> Markup:
    """Speed-up over batch size or depth, evenly spaced; the line at 1 is plain decoding. Empty below two points."""
    if len(points) < 2:
        return Markup("")
    top = max(1.2, *(point.speedup for point in points)) * 1.12
    at = [
        (_LEFT + 26 + (_RIGHT - _LEFT - 26) * i / (len(points) - 1), _height(point.speedup, top))
        for i, point in enumerate(points)
    ]
    best = max(points, key=lambda point: point.speedup)
    named = points if len(points) <= _NAMED else (points[0], best, points[-1])
    told = ", ".join(f"{short(point.speedup)} at {point.at}" for point in points)
    parts = [*_axes(top, over), f'<path class="walk" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in at)}"/>']
    for (x, y), point in zip(at, points, strict=True):
        wins = point.speedup > 1
        parts.append(f'<circle class="dot {"" if wins else "off"}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
        parts.append(text(x, _BOTTOM + 16, f"{point.at}", "middle"))
        if point in named:
            parts.append(text(x, y - 9 if wins else y + 17, f"{short(point.speedup)} ×", "middle", "strong halo"))
    return picture(_BOTTOM + 38, f"speed-up over plain decoding by {over}: {told}", parts)


def _axes(top: float, over: str) -> Iterable[str]:
    for tick in range(0, math.floor(top) + 1, math.ceil(top / 6)):
        y = _height(tick, top)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield text(_LEFT - 6, y + 4, f"{tick}", "end")
    y = _height(1, top)
    yield f'<line class="parity" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    yield text(0, 12, "times as fast as plain decoding")
    yield text((_LEFT + 26 + _RIGHT) / 2, _BOTTOM + 34, over, "middle")


def _height(speedup: float, top: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * speedup / top
