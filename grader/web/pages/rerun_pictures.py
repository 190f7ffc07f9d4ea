"""A rerun as a picture: a line per change of points, from what counted to what would, thicker the more take it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from grader.domain.rerun import Direction, Fate, Item, Preview, direction, fate
from grader.web.pages.svg import WIDTH, picture, text
from grader.web.pages.wording import count

#: With more lines than this, only the most taken ones are named.
_NAMED = 8
_TOP, _HEIGHT = 22.0, 150.0
_LEFT, _RIGHT = 62.0, WIDTH - 62.0
_ARROWS = {Direction.UP: "↑", Direction.DOWN: "↓"}


def slopes(items: Sequence[Item], shown: Preview, most: int, *, never_lower: bool) -> Markup:
    """Points before (left) and after (right) of those that move or are kept; empty where nobody is. `most`: full score.

    Upward lines are drawn through, downward ones dashed, unchanged ones thin: the colour only repeats it.
    """
    lines: Counter[tuple[int, int, str]] = Counter()
    for item in items:
        its = fate(item, never_lower=never_lower)
        if its in (Fate.MOVES, Fate.KEPT):
            kind = "kept" if its is Fate.KEPT else str(direction(item))
            lines[(item.before or 0, item.after or 0, kind)] += 1
    if not lines:
        return Markup("")
    top = max(most, 1, *(max(before, after) for before, after, _ in lines))
    parts = [*_frame(top)]
    for (before, after, kind), n in sorted(lines.items(), key=lambda line: line[1]):
        parts += _line(_y(before, top), _y(after, top), kind, n, f"{count(n, 'student')}: {before} → {after} points")
    parts += _names(lines, top)
    return picture(_TOP + _HEIGHT + 16, _words(shown), parts)


def _words(shown: Preview) -> str:
    parts = [
        f"{shown.counts[Direction.UP]} up",
        f"{shown.counts[Direction.DOWN]} down",
        f"{shown.counts[Direction.SAME]} unchanged",
        f"{shown.counts[Direction.UNSETTLED]} unsettled",
        *([f"{shown.kept} kept from going down"] if shown.kept else []),
    ]
    return f"points before and after, a line per change: {', '.join(parts)}"


def _y(points: int, top: int) -> float:
    return _TOP + _HEIGHT * (1 - points / top)


def _frame(top: int) -> list[str]:
    bottom = _TOP + _HEIGHT
    return [
        text(_LEFT, 10, "counts now", "middle", "strong"),
        text(_RIGHT, 10, "by the rerun", "middle", "strong"),
        *(f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="{_TOP:g}" y2="{bottom:g}"/>' for x in (_LEFT, _RIGHT)),
    ]


def _line(y1: float, y2: float, kind: str, n: int, words: str) -> list[str]:
    width = min(9.0, 1.2 + n**0.5)
    return [
        f'<g class="slope {kind}"><title>{words}</title>'
        f'<line x1="{_LEFT:g}" x2="{_RIGHT:g}" y1="{y1:.1f}" y2="{y2:.1f}" stroke-width="{width:.1f}"/>'
        f'<circle cx="{_LEFT:g}" cy="{y1:.1f}" r="3.5"/><circle cx="{_RIGHT:g}" cy="{y2:.1f}" r="3.5"/></g>'
    ]


def _names(lines: Counter[tuple[int, int, str]], top: int) -> list[str]:
    """Where the changes that most take begin, and how many end where; unchanged scores need no words."""
    changes = Counter({(before, after, kind): n for (before, after, kind), n in lines.items() if before != after})
    named = changes.most_common(_NAMED)
    begins = {points: str(points) for points in (top, 0, *(before for (before, _, _), _ in named))}
    ends: Counter[tuple[int, str]] = Counter()
    for (_, after, kind), n in named:
        ends[(after, "kept" if kind == "kept" else _ARROWS[Direction(kind)])] += n
    told = [(after, f"{arrow} {n} at {after}") for (after, arrow), n in ends.items()]
    return [*_column(_LEFT - 8, begins.items(), "end", top), *_column(_RIGHT + 8, told, "start", top)]


def _column(x: float, told: Iterable[tuple[int, str]], anchor: str, top: int) -> Iterator[str]:
    """Words beside an axis, each at its points or a little lower, clear of the one above."""
    lowest = -99.0
    for points, words in sorted(told, reverse=True):
        lowest = max(_y(points, top) + 4, lowest + 12)
        yield text(x, lowest, words, anchor, "strong")
