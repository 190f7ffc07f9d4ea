"""Streams what happens to a job as server-sent events; a lost connection goes on where it stopped."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from grader.domain.job import Job, Place
from grader.domain.live import LiveEvent
from grader.steps import viewing
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService
from grader.web.shapes import REFUSALS

#: What another process tells is found by looking again; what this one tells wakes the stream at once.
LOOK_S = 1.0
QUIET_S = 15.0
LONGEST_S = 3600.0

router = APIRouter(prefix="/api/v1", tags=["submissions"], responses=REFUSALS)


class Watchers:
    """Streams that wait for news of a job. `changed` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.closed = False

    def start(self) -> None:
        """Bind to the running loop."""
        self._loop = asyncio.get_running_loop()

    def changed(self, job_id: str) -> None:
        """Wake the streams of a job."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, job_id)

    def close(self) -> None:
        """End every stream, now and later: the service ends. Who follows one comes back to the next service."""
        self.closed = True
        for job_id in list(self._waiting):
            self.changed(job_id)

    def _wake(self, job_id: str) -> None:
        for news in self._waiting.get(job_id, ()):
            news.set()

    def join(self, job_id: str) -> asyncio.Event:
        """An event that is set whenever there is news."""
        news = asyncio.Event()
        self._waiting[job_id].add(news)
        return news

    def leave(self, job_id: str, news: asyncio.Event) -> None:
        """Forget it."""
        self._waiting[job_id].discard(news)
        if not self._waiting[job_id]:
            del self._waiting[job_id]


@router.get(
    "/submissions/{submission_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "One event per fact, then the end"}},
)
async def events(
    submission_id: str, request: Request, service: TheService, viewer: SignedIn, after: int = 0
) -> StreamingResponse:
    """What happens to the newest job of a submission, as it happens, until it has ended.

    Kinds: queued, place, started, collected, test, requeued, ended. `Last-Event-ID`, or `after`, resumes.
    """
    await run_in_threadpool(viewing.visible, service, viewer, submission_id)
    jobs = await run_in_threadpool(service.store.jobs.of_submission, submission_id)
    last = request.headers.get("last-event-id", "")
    start = int(last) if last.isdigit() and len(last) < 10 else max(0, after)
    watchers: Watchers = request.app.state.watchers
    return StreamingResponse(
        stream(service, watchers, jobs[0], start),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def stream(service: Service, watchers: Watchers, job: Job, after: int) -> AsyncIterator[str]:
    """The job's events behind number `after` in the wire's format, until it has ended or an hour has passed."""
    news = watchers.join(job.id)
    loop = asyncio.get_running_loop()
    ends = loop.time() + LONGEST_S
    spoke = loop.time()
    told: Place | None = None
    try:
        yield ": grader\n\n"
        while loop.time() < ends and not watchers.closed:
            news.clear()
            found = await run_in_threadpool(service.store.jobs.events, job.id, after=after)
            for event in found:
                yield _wire(event)
                after = event.seq
            if found and found[-1].kind == "ended":
                return
            now = await run_in_threadpool(service.store.jobs.get, job.id)
            if now is None or (now.state.final and not found):  # resumed behind the end
                return
            place = await run_in_threadpool(viewing.place, service, now)
            if place is not None and place != told:
                yield _place_wire(place)
            if loop.time() - spoke > QUIET_S:
                yield ": still here\n\n"
            if found or place != told or loop.time() - spoke > QUIET_S:
                spoke = loop.time()
            told = place
            await _wait(news, LOOK_S)
    finally:
        watchers.leave(job.id, news)


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return


def _wire(event: LiveEvent) -> str:
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {json.dumps({**event.data, 'at': event.at})}\n\n"


def _place_wire(place: Place) -> str:
    return f"event: place\ndata: {json.dumps(vars(place))}\n\n"
