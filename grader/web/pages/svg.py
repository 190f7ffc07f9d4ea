"""The frame and the words of every picture: inline SVG by attributes and CSS classes, so that a strict CSP lets it be.

Every picture says in words what it shows (role img, aria-label); colours come from the style sheet.
"""

from collections.abc import Iterable

from markupsafe import Markup, escape

WIDTH = 300


def picture(height: float, words: str, parts: Iterable[str]) -> Markup:
    """A picture of WIDTH by `height` that is read out as `words`."""
    label, inside = escape(words), "".join(parts)
    return Markup(
        f'<svg class="picture" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{label}">{inside}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """`words` with their base line at (x, y)."""
    return f'<text class="label {kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A rectangle; thin ones stay visible."""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(1.0, width):.1f}" height="{height:g}"/>'


def within(share: float) -> float:
    """`share`, but not below 0 or above 1."""
    return min(1.0, max(0.0, share))
