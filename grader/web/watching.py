"""Follows a job as it happens: for the stream of events, and for whoever waits at the end of a push."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

# by starlette's name, not fastapi's: `grader course` needs this module, and would load all of fastapi for it
from starlette.concurrency import run_in_threadpool

from grader.domain.hiding import Hidden
from grader.domain.job import Job, Place
from grader.domain.live import LiveEvent
from grader.steps import viewing
from grader.steps.service import Service

#: What another process tells is found by looking again; what this one tells wakes the follower at once.
LOOK_S = 1.0
QUIET_S = 15.0


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


async def follow(
    service: Service, watchers: Watchers, job: Job, after: int, seconds: float, shut: Hidden
) -> AsyncIterator[LiveEvent | Place | None]:
    """The job's events behind number `after`, and its place while it waits, for so many seconds or until it has ended.

    Nothing is told of the tests in `shut`. None where nothing happened for a while: a connection should be kept alive.
    """
    news = watchers.join(job.id)
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    spoke = loop.time()
    told: Place | None = None
    try:
        while loop.time() < ends and not watchers.closed:
            news.clear()
            found = await run_in_threadpool(viewing.since, service, job, after, shut)
            for event in found.events:
                yield event
            after = found.last
            if found.ended:
                return
            if found.place is not None and found.place != told:
                yield found.place
            quiet = not found.events and found.place == told
            if quiet and loop.time() - spoke > QUIET_S:
                yield None
            if not quiet or loop.time() - spoke > QUIET_S:
                spoke = loop.time()
            told = found.place
            await _wait(news, min(LOOK_S, max(0.0, ends - loop.time())))
    finally:
        watchers.leave(job.id, news)


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return
