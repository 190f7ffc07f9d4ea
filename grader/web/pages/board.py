"""The scoreboard, for graders."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from grader.domain.course import CourseLab
from grader.domain.exports import Cell, Table
from grader.domain.standings import Row
from grader.steps import board as steps
from grader.steps.board import Board, Wanted
from grader.steps.board_news import Boards
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService
from grader.web.pages.board_rows import drawn
from grader.web.pages.forms import PLAIN, Name
from grader.web.pages.kept import HOLE, Kept, filled
from grader.web.pages.rendering import render
from grader.web.pages.showing import PAGE, shown, the_course
from grader.web.pages.tables import Format, answer, columns, lab_columns, points_of

router = APIRouter(include_in_schema=False)
MOST_PAGES = 2_000
Word = Annotated[str, Query(max_length=100, pattern=PLAIN)]
#: Columns that are read from the largest down first.
_DOWN_FIRST = ("points", "late", "last")


@router.get("/c/{course}/board")
def board_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, sort: Word = "name", desc: bool = False,
    section: Word = "", search: Word = "", page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1, format: Format = "",
) -> Response:  # fmt: skip
    """Students by labs: sorted, searched, paged; the rows are news as they happen."""
    found = the_course(service, viewer, course)
    wanted = Wanted(sort, desc, section, search.strip())
    if format:
        rows = steps.every_row(service, viewer, course, wanted)
        return answer(_table(course, rows, service.store.courses.labs(course)), format)
    seen = steps.board(service, viewer, course, wanted, offset=(page - 1) * PAGE, limit=PAGE)
    late = service.store.standings.rules(course).late_days
    around = shown(
        request, "board.html", viewer, course=found, wanted=wanted, board=seen, rows=HOLE,
        head=_head(request, course, seen, wanted, late=bool(late)),
        first=(page - 1) * PAGE + 1, last=(page - 1) * PAGE + len(seen.rows),
        earlier=_address(wanted, page=page - 1) if page > 1 else "",
        more=_address(wanted, page=page + 1) if page * PAGE < seen.everybody else "",
        csv=_address(wanted, format="csv"), json=_address(wanted, format="json"),
    )  # fmt: skip
    return filled(around, _rows(request, service, course, seen, late=bool(late)))


def _rows(request: Request, service: Service, course: str, seen: Board, *, late: bool) -> Markup:
    boards: Boards = request.app.state.boards
    kept: Kept = request.app.state.kept
    places = boards.places(service, course, {lab.queue for lab in seen.labs})
    return drawn(kept, course, seen.rows, seen.labs, places, late=late)


def _head(request: Request, course: str, seen: Board, wanted: Wanted, *, late: bool) -> Markup:
    kept: Kept = request.app.state.kept
    labs = tuple((lab.id, lab.title) for lab in seen.labs)
    key = ("board head", course, labs, wanted, late)
    return kept.of(
        key, lambda: Markup(render("_board_head.html", course=course, heads=list(_heads(seen, wanted, late=late))))
    )


def _heads(seen: Board, wanted: Wanted, *, late: bool) -> Iterator[dict[str, str]]:
    """Column heads: what they sort by, the words, the address, and aria-sort."""
    named = [
        ("name", "Student"),
        ("section", "Section"),
        *((lab.id, lab.title) for lab in seen.labs),
        ("points", "Total"),
    ]
    named += [("late", "Late days")] if late else []
    for key, title in [*named, ("last", "Newest")]:
        here = key == wanted.sort
        numbers = key in _DOWN_FIRST or key not in steps.SORTS
        descending = not wanted.descending if here else numbers
        turned = Wanted(key, descending, wanted.section, wanted.search)
        order = ("descending" if wanted.descending else "ascending") if here else ""
        kind = "lab" if key not in steps.SORTS else key
        yield {"key": key, "title": title, "href": _address(turned), "order": order, "kind": kind}


def _address(wanted: Wanted, **more: object) -> str:
    asked: dict[str, object] = {"sort": wanted.sort, "section": wanted.section, "search": wanted.search, **more}
    if wanted.descending:
        asked["desc"] = "true"
    return f"?{urlencode({key: value for key, value in asked.items() if value})}"


def _table(course: str, rows: Iterable[Row], labs: Sequence[CourseLab]) -> Table:
    heads = [*columns(login="Login", name="Name", section="Section"), *lab_columns(labs),
             *columns(points="Total", max_points="Of", late_days="Late days")]  # fmt: skip
    return Table(f"{course}-scoreboard", tuple(heads), tuple(_cells(row, labs) for row in rows))


def _cells(row: Row, labs: Sequence[CourseLab]) -> tuple[Cell, ...]:
    total = (row.total.points, row.total.max_points, row.total.late_days_used)
    return row.login, row.name, row.section, *(points_of(row.cells.get(lab.id)) for lab in labs), *total
