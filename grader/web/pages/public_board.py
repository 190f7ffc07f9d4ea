"""The public board: aliases and points, and the choice to be on it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from grader.domain.errors import GraderError
from grader.domain.exports import Table
from grader.domain.people import Viewer
from grader.domain.policy_lines import when
from grader.domain.standings import Row
from grader.steps import board as steps
from grader.steps.board import PublicBoard
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService, read_form
from grader.web.pages.board_rows import draw_public
from grader.web.pages.forms import Name
from grader.web.pages.showing import PAGE, shown, status_of, the_course
from grader.web.pages.tables import Format, answer, columns, lab_columns, points_of

router = APIRouter(include_in_schema=False)
Page = Annotated[int, Query(ge=1, le=100)]


@router.get("/c/{course}/public")
def public_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, page: Page = 1, format: Format = ""
) -> Response:  # fmt: skip
    """Aliases and points of who chose to be seen."""
    if format:
        seen = steps.public(service, viewer, course)
        return answer(_table(course, seen), format)
    return _shown(request, service, viewer, course, page)


@router.post("/c/{course}/public")
async def choose(course: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Be on the public board, or not."""
    return await run_in_threadpool(_chosen, request, service, viewer, course, await read_form(request))


def _chosen(request: Request, service: Service, viewer: Viewer, course: str, form: FormData) -> Response:
    alias, listed = form.get("alias"), form.get("listed")
    try:
        steps.list_me(service, viewer, course, alias if isinstance(alias, str) else "", bool(listed))
    except GraderError as error:
        return _shown(request, service, viewer, course, 1, error)
    return RedirectResponse(f"/c/{course}/public", HTTPStatus.SEE_OTHER)


def _shown(
    request: Request, service: Service, viewer: Viewer, course: str, page: int, error: GraderError | None = None
) -> Response:
    found = the_course(service, viewer, course)
    seen = steps.public(service, viewer, course)
    ranked = list(zip(_ranks(seen.rows), seen.rows, strict=True))
    own = seen.alias if seen.listed else ""
    first = (page - 1) * PAGE
    rows = ranked[first : first + PAGE]
    return shown(
        request, "public.html", viewer, HTTPStatus.OK if error is None else status_of(error), course=found, board=seen,
        rows=draw_public(rows, [lab.id for lab in seen.labs], own), listed=len(ranked), error=error,
        rank=next((rank for rank, row in ranked if own and row.alias == own), 0),
        frozen=when(seen.frozen_at, seen.zone) if seen.frozen_at is not None else "",
        first=first + 1, last=first + len(rows), earlier=f"?page={page - 1}" if page > 1 else "",
        more=f"?page={page + 1}" if first + PAGE < len(ranked) else "",
    )  # fmt: skip


def _table(course: str, seen: PublicBoard) -> Table:
    heads = [*columns(rank="Rank", alias="Alias", points="Points"), *lab_columns(seen.labs)]
    rows = (
        (rank, row.alias, row.total.points, *(points_of(row.cells.get(lab.id)) for lab in seen.labs))
        for rank, row in zip(_ranks(seen.rows), seen.rows, strict=True)
    )
    return Table(f"{course}-public", tuple(heads), tuple(rows))


def _ranks(rows: Sequence[Row]) -> list[int]:
    """1, 2, 2, 4: equal points share a rank."""
    ranks: list[int] = []
    for index, row in enumerate(rows):
        same = index and row.total.points == rows[index - 1].total.points
        ranks.append(ranks[-1] if same else index + 1)
    return ranks
