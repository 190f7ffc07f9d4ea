"""Streams what happens to a job as server-sent events; a lost connection goes on where it stopped."""

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from grader.domain.hiding import NOTHING, Hidden
from grader.domain.job import Job, Place
from grader.domain.live import LiveEvent
from grader.steps import viewing
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService
from grader.web.shapes import REFUSALS
from grader.web.watching import Watchers, follow

LONGEST_S = 3600.0

router = APIRouter(prefix="/api/v1", tags=["submissions"], responses=REFUSALS)


@router.get(
    "/submissions/{submission_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "One event per fact, then the end"}},
)
async def events(
    submission_id: str, request: Request, service: TheService, viewer: SignedIn, after: int = 0
) -> StreamingResponse:
    """What happens to a submission's job, as it happens, until it has ended; nothing of tests that are hidden yet.

    Kinds: queued, place, started, collected, test, requeued, ended. `Last-Event-ID`, or `after`, resumes.
    """
    job, shut = await run_in_threadpool(viewing.followed, service, viewer, submission_id)
    last = request.headers.get("last-event-id", "")
    start = int(last) if last.isdigit() and len(last) < 10 else max(0, after)
    watchers: Watchers = request.app.state.watchers
    return StreamingResponse(
        stream(service, watchers, job, start, shut),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def stream(
    service: Service, watchers: Watchers, job: Job, after: int, shut: Hidden = NOTHING
) -> AsyncIterator[str]:
    """The job's events behind number `after` in the wire's format, without those of the tests in `shut`."""
    yield ": grader\n\n"
    async for fact in follow(service, watchers, job, after, LONGEST_S, shut):
        if isinstance(fact, LiveEvent):
            yield _wire(fact)
        else:
            yield ": still here\n\n" if fact is None else _place_wire(fact)


def _wire(event: LiveEvent) -> str:
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {json.dumps({**event.data, 'at': event.at})}\n\n"


def _place_wire(place: Place) -> str:
    return f"event: place\ndata: {json.dumps(vars(place))}\n\n"
