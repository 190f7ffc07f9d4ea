"""Streams what changes on a scoreboard as server-sent events, to whoever may see all of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from grader.domain.people import Viewer
from grader.steps.board_news import READ_S, Boards, News, Seen, news
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService
from grader.web.pages.board_rows import state_words
from grader.web.shapes import REFUSALS
from grader.web.watching import Watchers

router = APIRouter(prefix="/api/v1", tags=["courses"], responses=REFUSALS)
LONGEST_S = 3600.0
QUIET_S = 15.0
#: `17.3-18.0`: rows by person with the version that is known of them.
_ROWS = r"^([0-9]{1,10}\.[0-9]{1,10})?(-[0-9]{1,10}\.[0-9]{1,10}){0,200}$"


@router.get(
    "/courses/{course}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "One event per cell that has changed"}},
)
async def events(
    course: Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")],
    request: Request, service: TheService, viewer: SignedIn,
    rows: Annotated[str, Query(max_length=4_000, pattern=_ROWS)] = "",
) -> StreamingResponse:  # fmt: skip
    """What changes on the scoreboard, as it happens (graders): running, a place in the line, points.

    `rows` are those the reader has, as `person.version-person.version`; without it, all of them from now on.
    """
    boards: Boards = request.app.state.boards
    first = await run_in_threadpool(boards.look, service, viewer, course)
    known = dict(_known(rows)) if rows else {person: row.version for person, row in first.rows.items()}
    watchers: Watchers = request.app.state.watchers
    return StreamingResponse(
        stream(service, viewer, boards, course, known, watchers),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def stream(
    service: Service, viewer: Viewer, boards: Boards, course: str, known: Mapping[int, int], watchers: Watchers
) -> AsyncIterator[str]:
    """The events in the wire's format, for an hour; who reads on comes back by itself."""
    yield ": grader\n\n"
    loop = asyncio.get_running_loop()
    ends, spoke = loop.time() + LONGEST_S, loop.time()
    old: Seen | None = None
    while loop.time() < ends and not watchers.closed:
        new = await run_in_threadpool(boards.look, service, viewer, course)
        for one in news(known, old, new):
            yield f"event: standing\ndata: {json.dumps(told(one))}\n\n"
            spoke = loop.time()
        if loop.time() - spoke > QUIET_S:
            yield ": still here\n\n"
            spoke = loop.time()
        old = new
        await asyncio.sleep(READ_S)


def told(one: News) -> dict[str, Any]:
    """One cell for programs, with the words for its state."""
    word, kind = state_words(one.cell, one.place)
    return {
        "person": one.row.person_id,
        "login": one.row.login,
        "lab": one.cell.lab,
        "state": str(one.cell.state),
        "word": word,
        "kind": kind,
        "points": one.cell.points,
        "max_points": one.cell.max_points,
        "submission": one.cell.submission_id,
        "attempts": one.cell.attempts,
        "place": None if one.place is None else vars(one.place),
        "total": one.row.total.points,
        "total_max": one.row.total.max_points,
    }


def _known(rows: str) -> list[tuple[int, int]]:
    pairs = (pair.partition(".") for pair in rows.split("-"))
    return [(int(person), int(version)) for person, _, version in pairs]
