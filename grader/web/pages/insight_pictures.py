"""A class in pictures: the heat map of tests, and how close everybody's checks were to their limits."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from grader.domain.lab import Lab
from grader.domain.report import Verdict
from grader.domain.standings import Marks
from grader.web.pages.svg import WIDTH, picture, text
from grader.web.pages.wording import VERDICTS

#: Within this factor of the limit a check is close to it.
CLOSE = 1.25
_DECADES = (-6, 3)  # of observed over allowed; what is beyond stands at the edge
_COLUMNS, _STACK, _STEP = 56, 14, 5
_LEFT, _RIGHT = 6, WIDTH - 6
_NOTHING = ("·", "no result", "none")


def margins(values: Sequence[float]) -> Markup:
    """Observed over allowed on a log scale, a dot per student; the band is what is close to the limit."""
    ordered = sorted(values)
    low, high = _range(ordered)
    inside, outside = _stacks(ordered, low, high)
    tallest = max([*inside.values(), *outside.values()], default=1)
    per_dot = math.ceil(tallest / _STACK)
    tall = _STEP * min(_STACK, tallest) + 6
    base = tall + 16
    limit = _x(0.0, low, high)
    near, far = _x(-math.log10(CLOSE), low, high), _x(math.log10(CLOSE), low, high)
    return picture(
        base + 20,
        margin_words(ordered),
        [
            f'<rect class="near-limit" x="{near:.1f}" y="12" width="{far - near:.1f}" height="{tall + 4}"/>',
            f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{base}" y2="{base}"/>',
            f'<line class="limit" x1="{limit:.1f}" x2="{limit:.1f}" y1="12" y2="{base}"/>',
            text(limit, 9, "limit", "middle"),
            _dots("dots", inside, per_dot, base),
            _dots("dots off", outside, per_dot, base),
            *_ticks(low, high, base),
            text(_RIGHT, 9, f"a dot is {per_dot} students" if per_dot > 1 else "", "end"),
        ],
    )


def margin_words(values: Sequence[float]) -> str:
    """The same in words."""
    ordered = sorted(values)
    inside = bisect_right(ordered, 1.0)
    near = inside - bisect_left(ordered, 1 / CLOSE)
    beyond = bisect_right(ordered, CLOSE) - inside
    outside = len(ordered) - inside
    return f"{inside} of {len(ordered)} within the limit{_close(near)}, {outside} beyond{_close(beyond)}"


def _close(count: int) -> str:
    return f" ({count} close to it)" if count else ""


def heat_map(course: str, lab: Lab, rows: Sequence[Marks]) -> Markup:
    """A row per student, a cell per test in the lab's order: a mark, and its word for who cannot see it."""
    names = [test.name for test in lab.tests]
    return Markup("".join(_heat_row(course, names, one) for one in rows))


def _heat_row(course: str, names: Sequence[str], one: Marks) -> str:
    ended = {mark.test: mark for mark in one.tests}
    cells = []
    for name in names:
        mark = ended.get(name)
        sign, word, kind = VERDICTS[Verdict(mark.verdict)] if mark else _NOTHING
        why = f' title="{escape(mark.cause)}"' if mark and mark.cause else ""
        cells.append(
            f'<td class="heat {kind}"{why}><span aria-hidden="true">{sign}</span>'
            f'<span class="unseen">{word}</span></td>'
        )
    page = escape(f"/c/{course}/students/{one.login}")
    points = "–" if one.points is None else str(one.points)
    if one.submission_id:
        points = f'<a href="/submissions/{escape(one.submission_id)}">{points}</a>'
    return (
        f'<tr><th scope="row"><a href="{page}">{escape(one.name or one.login)}</a></th>'
        f'<td class="right number">{points}</td>{"".join(cells)}</tr>'
    )


def _range(ordered: Sequence[float]) -> tuple[int, int]:
    """The decades of the scale: the limit is always inside."""
    least = next(iter(ordered[bisect_right(ordered, 0.0) :]), 0.1)
    low = math.floor(math.log10(least))
    high = math.ceil(math.log10(ordered[-1])) if ordered and ordered[-1] > 0 else 0
    return max(_DECADES[0], min(low, -1)), min(_DECADES[1], max(high, 1))


def _stacks(ordered: Sequence[float], low: int, high: int) -> tuple[dict[int, int], dict[int, int]]:
    """How many are in each column of the picture that has any, within the limit and beyond it; no column has both.

    What is off the scale stands at its edge.
    """
    limit, edge = bisect_right(ordered, 1.0), int(-low / (high - low) * _COLUMNS)
    inside: dict[int, int] = {}
    outside: dict[int, int] = {}
    begun = 0
    for column in range(_COLUMNS):
        last = column == _COLUMNS - 1
        ended = len(ordered) if last else bisect_left(ordered, 10 ** (low + (column + 1) / _COLUMNS * (high - low)))
        within = max(0, min(ended, limit) - begun)
        beyond = ended - begun - within
        if within:
            inside[min(column, edge - 1)] = inside.get(min(column, edge - 1), 0) + within
        if beyond:
            outside[max(column, edge)] = outside.get(max(column, edge), 0) + beyond
        begun = ended
    return inside, outside


def _middle(column: int) -> float:
    return _LEFT + (column + 0.5) * (_RIGHT - _LEFT) / _COLUMNS


def _x(log: float, low: int, high: int) -> float:
    return _LEFT + min(1.0, max(0.0, (log - low) / (high - low))) * (_RIGHT - _LEFT)


def _dots(kind: str, stacks: Mapping[int, int], per_dot: int, base: float) -> str:
    """Lines without length: their round ends are the dots, a few bytes each."""
    path = "".join(
        f"M{_middle(column):.1f} {base - 5 - _STEP * level:g}h0"
        for column, count in stacks.items()
        for level in range(math.ceil(count / per_dot))
    )
    return f'<path class="{kind}" d="{path}"/>' if path else ""


def _ticks(low: int, high: int, base: float) -> list[str]:
    step = max(1, math.ceil((high - low) / 5))
    decades = [d for d in range(low, high + 1) if d % step == 0]
    signs = {0: "1", -1: "0.1", 1: "10", -2: "0.01", 2: "100"}
    found = []
    for decade in decades:
        x = _x(decade, low, high)
        anchor = "start" if x < 20 else "end" if x > WIDTH - 20 else "middle"
        found.append(text(x, base + 14, signs.get(decade, f"1e{decade}"), anchor))
    return found
