"""The scoreboard for graders, and the public one with the choice to be on it."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from starlette.datastructures import FormData

from grader.domain.course import CourseLab
from grader.domain.errors import GraderError
from grader.domain.exports import Cell, Column, Table
from grader.domain.people import Viewer
from grader.domain.policy_lines import when
from grader.domain.standings import Row, Standing
from grader.steps import board as steps
from grader.steps.board import Board, Wanted
from grader.steps.board_news import Boards
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService, read_form
from grader.web.pages.board_rows import drawn
from grader.web.pages.forms import PLAIN, Name
from grader.web.pages.kept import HOLE, Kept, filled
from grader.web.pages.rendering import render
from grader.web.pages.showing import PAGE, shown, status_of, the_course
from grader.web.pages.tables import Format, answer, columns

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


@router.get("/c/{course}/public")
def public_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, format: Format = ""
) -> Response:  # fmt: skip
    """Aliases and points of who chose to be seen."""
    return _public(request, service, viewer, course, format)


@router.post("/c/{course}/public")
async def choose(course: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Be on the public board, or not."""
    return await run_in_threadpool(_chosen, request, service, viewer, course, await read_form(request))


def _chosen(request: Request, service: Service, viewer: Viewer, course: str, form: FormData) -> Response:
    alias, listed = form.get("alias"), form.get("listed")
    try:
        steps.list_me(service, viewer, course, alias if isinstance(alias, str) else "", bool(listed))
    except GraderError as error:
        return _public(request, service, viewer, course, "", error)
    return RedirectResponse(f"/c/{course}/public", HTTPStatus.SEE_OTHER)


def _public(
    request: Request, service: Service, viewer: Viewer, course: str, form: str, error: GraderError | None = None
) -> Response:
    found = the_course(service, viewer, course)
    seen = steps.public(service, viewer, course)
    ranks = _ranks(seen.rows)
    if form:
        heads = [*columns(rank="Rank", alias="Alias", points="Points"), *_lab_columns(seen.labs)]
        rows = (
            (rank, row.alias, row.total.points, *(_points(row.cells.get(lab.id)) for lab in seen.labs))
            for rank, row in zip(ranks, seen.rows, strict=True)
        )
        return answer(Table(f"{course}-public", tuple(heads), tuple(rows)), form)
    status = HTTPStatus.OK if error is None else status_of(error)
    frozen = when(seen.frozen_at, seen.zone) if seen.frozen_at is not None else ""
    return shown(
        request, "public.html", viewer, status, course=found, board=seen, rows=list(zip(ranks, seen.rows, strict=True)),
        frozen=frozen, error=error,
    )  # fmt: skip


def _ranks(rows: Sequence[Row]) -> list[int]:
    """1, 2, 2, 4: equal points share a rank."""
    ranks: list[int] = []
    for index, row in enumerate(rows):
        same = index and row.total.points == rows[index - 1].total.points
        ranks.append(ranks[-1] if same else index + 1)
    return ranks


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
    heads = [*columns(login="Login", name="Name", section="Section"), *_lab_columns(labs),
             *columns(points="Total", max_points="Of", late_days="Late days")]  # fmt: skip
    return Table(f"{course}-scoreboard", tuple(heads), tuple(_cells(row, labs) for row in rows))


def _cells(row: Row, labs: Sequence[CourseLab]) -> tuple[Cell, ...]:
    total = (row.total.points, row.total.max_points, row.total.late_days_used)
    return row.login, row.name, row.section, *(_points(row.cells.get(lab.id)) for lab in labs), *total


def _lab_columns(labs: Sequence[CourseLab]) -> list[Column]:
    return [Column(lab.id, lab.title) for lab in labs]


def _points(cell: Standing | None) -> int | None:
    return cell.points if cell else None
