"""Lines of the scoreboard, drawn by hand and kept while they are the same: a page has a thousand cells and more."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

from markupsafe import Markup, escape

from grader.domain.course import CourseLab
from grader.domain.job import ACTIVE, JobState, Place
from grader.domain.standings import Row, Standing
from grader.web.pages.kept import Kept
from grader.web.pages.wording import STATES, iso, moment

#: Of a sparkline, in its own units.
_WIDTH, _HEIGHT, _EDGE = 56, 18, 2
#: States of the newest submission that are told beside the score; a graded one is told by its score.
_TOLD = ACTIVE | {JobState.FAILED, JobState.DEAD}
Places = Mapping[tuple[int, str], Place]


def drawn(
    kept: Kept, course: str, rows: Sequence[Row], labs: Sequence[CourseLab], places: Places, *, late: bool
) -> Markup:
    """The rows of a table's body; `late` is whether there is a column of late days."""
    names = tuple(lab.id for lab in labs)
    waits: dict[int, list[tuple[str, int]]] = {}
    for (person_id, lab), place in places.items():
        waits.setdefault(person_id, []).append((lab, place.ahead))
    found: list[str] = []
    for row in rows:
        mine = tuple(waits.get(row.person_id, ()))
        key = (course, row.person_id, row.version, row.login, row.name, row.section, names, mine, late)
        found.append(kept.of(key, partial(draw, course, row, names, places, late=late)))
    return Markup("".join(found))


def draw(course: str, row: Row, labs: Sequence[str], places: Places, *, late: bool) -> Markup:
    """One row: who, section, a cell per lab, the total, late days, when they handed in last."""
    page = escape(f"/c/{course}/students/{row.login}")
    last = max((cell.last_at for cell in row.cells.values()), default=None)
    parts = [
        f'<tr data-who="{row.person_id}" data-version="{row.version}">'
        f'<th scope="row"><a href="{page}">{escape(row.name or row.login)}</a>'
        f' <span class="quiet login">{escape(row.login)}</span></th>'
        f'<td class="section">{escape(row.section)}</td>'
    ]
    for lab in labs:
        cell = row.cells.get(lab)
        parts.append(_cell(cell, page, places.get((row.person_id, lab))) if cell else _EMPTY)
    total = f'{row.total.points}<span class="of"> of {row.total.max_points}</span>' if row.total.max_points else "–"
    parts.append(f'<td class="total number">{total}</td>')
    if late:
        parts.append(f'<td class="number">{row.total.late_days_used or "–"}</td>')
    time = f'<time datetime="{iso(last)}">{moment(last)}</time>' if last else "never"
    text = "".join([*parts, f'<td class="quiet last">{time}</td></tr>'])
    return Markup(text.encode("ascii", "xmlcharrefreplace").decode())  # plain text is put together twice as fast


def draw_public(rows: Sequence[tuple[int, Row]], labs: Sequence[str], own: str) -> Markup:
    """Rows of the public board with their rank; `own` is the reader's alias, empty where they are not on it."""
    parts = []
    for rank, row in rows:
        here = ' class="here"' if own and row.alias == own else ""
        you = ' <span class="quiet">you</span>' if here else ""
        parts.append(f'<tr{here}><td class="rank number">{rank}</td><th scope="row">{escape(row.alias)}{you}</th>')
        parts += [_public_cell(row.cells.get(lab)) for lab in labs]
        parts.append(f'<td class="total number">{row.total.points}</td></tr>')
    return Markup("".join(parts))


def _public_cell(cell: Standing | None) -> str:
    if cell is None or cell.points is None:
        return '<td class="none"><span aria-hidden="true">·</span><span class="unseen">no score</span></td>'
    return f'<td class="cell number">{cell.points}<span class="of">/{cell.max_points}</span></td>'


def spark(values: Sequence[int], most: int) -> Markup:
    """The scores of somebody's attempts, oldest first. Empty for less than two."""
    if len(values) < 2:
        return Markup("")
    top = max(most, *values, 1)
    step = (_WIDTH - 2 * _EDGE) / (len(values) - 1)
    down = _HEIGHT - 2 * _EDGE
    at = [(round(_EDGE + i * step), round(_EDGE + down * (1 - max(0, value) / top))) for i, value in enumerate(values)]
    moves = (f"{x - x0} {y - y0}" for (x0, y0), (x, y) in pairwise(at))  # a page has a thousand of these: few bytes
    words = f"{len(values)} scores, the first {values[0]}, the last {values[-1]}"
    return Markup(
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{words}">'
        f'<path d="M{at[0][0]} {at[0][1]}l{" ".join(moves)}"/></svg>'
    )


def state_words(cell: Standing, place: Place | None) -> tuple[str, str]:
    """How the newest submission stands, with its place while it waits, and the class of that; empty if it is graded."""
    if cell.state not in _TOLD:
        return "", ""
    word, kind = STATES[cell.state]
    if place is not None:
        word = f"{word}, {place.ahead} before it" if place.ahead else "next in line"
    return word.partition(":")[0], kind


_EMPTY = '<td class="none"><span aria-hidden="true">·</span><span class="unseen">nothing handed in</span></td>'


def _cell(cell: Standing, page: Markup, place: Place | None) -> str:
    where = f"/submissions/{cell.submission_id}" if cell.submission_id else f"{page}#{escape(cell.lab)}"
    full = " full" if cell.points is not None and cell.max_points and cell.points >= cell.max_points else ""
    points = "no score" if cell.points is None else f'{cell.points}<span class="of">/{cell.max_points}</span>'
    word, kind = state_words(cell, place)
    chip = f'<span class="chip {kind}">{word}</span>' if word else ""
    late = f'<span class="late">{_late(cell)}</span>' if cell.late_days else ""
    return f'<td class="cell{full}"><a href="{where}">{points}</a>{spark(cell.spark, cell.max_points)}{late}{chip}</td>'


def _late(cell: Standing) -> str:
    days = "1 day late" if cell.late_days == 1 else f"{cell.late_days} days late"
    return f"{days}, {cell.free_days} free" if cell.free_days else days
