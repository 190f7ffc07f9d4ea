"""The small pictures: how far inside its limit a check is, how full a score, how scores went."""

import math
from collections.abc import Iterable

from markupsafe import Markup

from grader.domain.measurements import Check
from grader.web.pages.svg import WIDTH, picture, text, within
from grader.web.pages.wording import odds, small

#: Decades of an exact check's scale, below and above what is allowed.
_BELOW, _ABOVE = 12.0, 4.0
#: Other scales end at this multiple of what is allowed; evidence begins with this much for the law.
_BEYOND, _OPPOSITE = 1.7, 0.35


def gauge(check: Check) -> Markup:
    """Observed against allowed: log scale for an exact check, evidence or its own unit for others. Empty without both.

    A check that did not settle is neither inside nor outside.
    """
    observed, allowed = check.observed, check.allowed
    if observed is None or allowed is None or allowed <= 0:
        return Markup("")
    value, limit = observed, allowed
    if check.evidence:
        low, high, texts = -_OPPOSITE * allowed, _BEYOND * allowed, (odds(observed), odds(allowed))
    elif check.random or check.kind == "order":
        low, high, texts = 0.0, _BEYOND * allowed, (small(observed), small(allowed))
    else:
        value, limit = (math.log10(observed) if observed > 0 else -math.inf), math.log10(allowed)
        low, high, texts = limit - _BELOW, limit + _ABOVE, (small(observed), small(allowed))
    word = "open" if check.conclusive is False else "outside" if observed > allowed else "inside"
    where, edge = (within(x / high if low == 0 else (x - low) / (high - low)) for x in (value, limit))
    return _gauge(where, edge, beyond=value > high, word=word, texts=texts)


def _gauge(where: float, edge: float, *, beyond: bool, word: str, texts: tuple[str, str]) -> Markup:
    left, span, top = 8, WIDTH - 16, 20
    x, limit = left + where * span, left + edge * span
    good, bad = ("open", "open") if word == "open" else ("good", "bad")
    verdict = "not settled" if word == "open" else f"{word} the limit"
    circle = f'<circle class="mark {word}" cx="{x:.1f}" cy="{top + 5}" r="7"/>'
    arrow = f'<path class="mark {word}" d="M{x - 5:.1f} {top - 7} l12 12 l-12 12 z"/>'
    return picture(
        52,
        f"observed {texts[0]}, allowed {texts[1]}: {verdict}",
        [
            _zone(good, left, limit, top),
            _zone(bad, limit, left + span, top),
            f'<line class="limit" x1="{limit:.1f}" x2="{limit:.1f}" y1="{top - 12}" y2="{top + 18}"/>',
            arrow if beyond else circle,
            text(limit - 4, top - 8, "limit", "end"),
            text(min(max(x, 30), WIDTH - 32), top + 29, "observed", "middle", "strong"),
        ],
    )


def _zone(kind: str, start: float, end: float, top: float) -> str:
    return f'<rect class="zone {kind}" x="{start:.1f}" y="{top}" width="{end - start:.1f}" height="10" rx="5"/>'


def meter(points: int | None, of: int | None) -> Markup:
    """How much of a score is earned. Empty where there is none yet."""
    if points is None or not of:
        return Markup("")
    width = within(points / of) * 100
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
    first, last, right = known[0][0], known[-1][0], WIDTH - 50
    at = [(10 + (n - first) / (last - first) * (right - 10), 64 - within(share) * 52) for n, share in known]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in at)
    return picture(
        84,
        f"scores from submission {first} to {last}: {', '.join(f'{share:.0%}' for _, share in known)}",
        [
            f'<line class="grid" x1="10" x2="{right}" y1="12" y2="12"/>',
            f'<line class="grid" x1="10" x2="{right}" y1="64" y2="64"/>',
            f'<path class="trail" d="{path}"/>',
            *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in at),
            text(right + 8, 16, "100 %"),
            text(right + 8, 68, "0 %"),
            text(10, 82, f"no. {first}"),
            text(right, 82, f"no. {last}", "end"),
        ],
    )
