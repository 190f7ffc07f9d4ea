"""Pictures as inline SVG: presentation attributes and CSS classes only, so that a strict CSP lets them through.

Every picture says in words what it shows (role img, aria-label); colours come from the style sheet.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from grader.domain.measurements import Bars, Check
from grader.web.pages.wording import odds, small

WIDTH = 340
#: How long a label may be that stands beside its bars, and one above them.
_BESIDE_CHARACTERS, _ABOVE_CHARACTERS = 17, 52
#: Decades of an exact check's scale, below and above what is allowed.
_BELOW, _ABOVE = 12.0, 4.0
#: A law's scale goes from this much evidence for the law to that much against it, in multiples of what is allowed.
_OPPOSITE, _BEYOND = 0.35, 1.7
#: Standard deviations either side that hold 95 % of correct draws.
_WHISKER = 1.96


def gauge(check: Check) -> Markup:
    """Observed against allowed: log scale for an error, evidence for a law. Empty where nothing can be drawn."""
    observed, allowed = check.observed, check.allowed
    if observed is None or allowed is None or allowed <= 0:
        return Markup("")
    if check.sigmas is not None:
        value, limit, low, high = observed, allowed, -_OPPOSITE * allowed, _BEYOND * allowed
        texts = odds(observed), odds(allowed)
    else:
        value, limit = (math.log10(observed) if observed > 0 else -math.inf), math.log10(allowed)
        low, high = limit - _BELOW, limit + _ABOVE
        texts = small(observed), small(allowed)
    where, edge = (_within((x - low) / (high - low)) for x in (value, limit))
    return _gauge(where, edge, beyond=value > high, outside=observed > allowed, texts=texts)


def _gauge(where: float, edge: float, *, beyond: bool, outside: bool, texts: tuple[str, str]) -> Markup:
    left, span, top = 8, WIDTH - 16, 18
    x, limit = left + where * span, left + edge * span
    word = "outside" if outside else "inside"
    circle = f'<circle class="mark {word}" cx="{x:.1f}" cy="{top + 5}" r="7"/>'
    arrow = f'<path class="mark {word}" d="M{x - 5:.1f} {top - 7} l12 12 l-12 12 z"/>'
    return _svg(
        46,
        f"observed {texts[0]}, allowed {texts[1]}: {word} the limit",
        [
            f'<rect class="zone good" x="{left}" y="{top}" width="{limit - left:.1f}" height="10" rx="5"/>',
            f'<rect class="zone bad" x="{limit:.1f}" y="{top}" width="{left + span - limit:.1f}" height="10" rx="5"/>',
            f'<line class="limit" x1="{limit:.1f}" x2="{limit:.1f}" y1="{top - 10}" y2="{top + 18}"/>',
            arrow if beyond else circle,
            _text(limit - 4, top - 8, "limit", "end"),
            _text(min(max(x, 30), WIDTH - 34), top + 27, "observed", "middle", "strong"),
        ],
    )


@dataclass(frozen=True)
class _Layout:
    """Where bars begin, how long the longest may be, how high a row is; long labels stand above their bars."""

    left: int
    track: int
    row: int
    above: bool


_BESIDE = _Layout(104, WIDTH - 104 - 50, 30, above=False)
_ABOVE_BARS = _Layout(0, WIDTH - 50, 46, above=True)


def bars(drawn: Bars) -> Markup:
    """Each outcome's share by the law and as drawn; the whisker is where 95 % of correct draws land."""
    layout = _ABOVE_BARS if any(len(label) > _BESIDE_CHARACTERS for label in drawn.labels) else _BESIDE
    scale = layout.track / max(*drawn.expected, *drawn.observed, 0.01)
    shares = list(zip(drawn.labels, drawn.expected, drawn.observed, strict=True))
    rows = [part for i, row in enumerate(shares) for part in _bar(layout, i, *row, scale=scale, n=drawn.n)]
    label, expected, observed = max(shares, key=lambda row: abs(row[1] - row[2]))
    words = (
        f"shares of {len(shares)} outcomes in {drawn.n:,} draws; furthest from the law: {label}, "
        f"{observed:.1%} instead of {expected:.1%}"
    )
    legend = _legend(layout, any(_off(*row[1:], drawn.n) for row in shares))
    return _svg(26 + len(shares) * layout.row, words, [*legend, *rows])


def _legend(layout: _Layout, off: bool) -> Iterable[str]:
    kinds = [("law", "by the law"), ("drawn", "yours"), *([("drawn off", "yours, far off")] if off else [])]
    for (kind, words), along in zip(kinds, (0, 92, 154), strict=False):
        x = layout.left + along
        yield f'<rect class="{kind}" x="{x}" y="4" width="18" height="8"/>'
        yield _text(x + 23, 12, words)


def _bar(
    layout: _Layout, i: int, label: str, expected: float, observed: float, *, scale: float, n: int
) -> Iterable[str]:
    y = 22 + i * layout.row + (14 if layout.above else 0)
    off = " off" if _off(expected, observed, n) else ""
    length = max(1.0, observed * scale)
    yield f"<g><title>{escape(label)}: by the law {expected:.2%}, yours {observed:.2%}</title>"
    yield _bar_label(layout, y, label)
    yield f'<rect class="law" x="{layout.left}" y="{y}" width="{max(1.0, expected * scale):.1f}" height="9"/>'
    yield f'<rect class="drawn{off}" x="{layout.left}" y="{y + 11}" width="{length:.1f}" height="9"/>'
    spread = _WHISKER * _deviation(expected, n)
    if spread:
        low, high = (min(max(0.0, (expected + d) * scale), layout.track + 8.0) for d in (-spread, spread))
        ends = f"v7 m0 -3.5 h{high - low:.1f} m0 -3.5 v7"
        yield f'<path class="whisker" d="M{layout.left + low:.1f} {y + 1} {ends}"/>'
    mark = " ✗" if off and expected == 0 else ""
    yield _text(layout.left + length + 5, y + 19, f"{observed:.1%}{mark}", "start", f"strong{off}")
    yield "</g>"


def _bar_label(layout: _Layout, y: int, label: str) -> str:
    most = _ABOVE_CHARACTERS if layout.above else _BESIDE_CHARACTERS
    short = label if len(label) <= most else f"{label[: most - 1]}…"
    return _text(0, y - 4, short) if layout.above else _text(layout.left - 8, y + 14, short, "end")


def _off(expected: float, observed: float, n: int) -> bool:
    """Whether a share is so far from its law that a reader should look there."""
    return abs(observed - expected) > max(4 * _deviation(expected, n), 0.5 / max(1, n))


def _deviation(expected: float, n: int) -> float:
    return math.sqrt(max(0.0, expected * (1 - expected)) / max(1, n))


def meter(points: int | None, of: int | None) -> Markup:
    """How much of a score is earned. Empty where there is none yet."""
    if points is None or not of:
        return Markup("")
    width = _within(points / of) * 100
    return Markup(
        '<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="6"/>'
        f'<rect class="fill" width="{width:.1f}" height="6"/></svg>'
    )


def trail(scores: Iterable[tuple[int, float | None]]) -> Markup:
    """Shares of the full score, 0 … 1, by submission number; None where one was not graded. Empty below two points."""
    known = [(number, share) for number, share in scores if share is not None]
    if len(known) < 2:
        return Markup("")
    first, last = known[0][0], known[-1][0]
    at = [(10 + (n - first) / (last - first) * (WIDTH - 60), 64 - _within(share) * 52) for n, share in known]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in at)
    return _svg(
        84,
        f"scores from submission {first} to {last}: {', '.join(f'{share:.0%}' for _, share in known)}",
        [
            f'<line class="grid" x1="10" x2="{WIDTH - 50}" y1="12" y2="12"/>',
            f'<line class="grid" x1="10" x2="{WIDTH - 50}" y1="64" y2="64"/>',
            f'<path class="trail" d="{path}"/>',
            *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in at),
            _text(WIDTH - 42, 16, "100 %"),
            _text(WIDTH - 42, 68, "0 %"),
            _text(10, 82, f"no. {first}", "start"),
            _text(WIDTH - 50, 82, f"no. {last}", "end"),
        ],
    )


def _svg(height: int, words: str, parts: Iterable[str]) -> Markup:
    label = escape(words)
    inside = "".join(parts)
    return Markup(f'<svg class="picture" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{inside}</svg>')


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "", dx: int = 0) -> str:
    return f'<text class="label {kind}" x="{x + dx:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
