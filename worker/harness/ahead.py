"""The process that reads a lab's spec before any job, and has children that are judges of one job each."""

import os
import sys
import time
from collections.abc import Generator
from typing import Any, NoReturn

import numpy.ma  # noqa: F401 - numpy does it at the first np.unique: here once, not in each job
import pytest

from worker.harness.desk import Desk, Worker, chosen
from worker.harness.endings import NOT_AHEAD
from worker.harness.judge import conclude, judge, link, options, settle, spec_of
from worker.harness.live import Events, Guests, Live
from worker.harness.measuring import Measuring
from worker.harness.streams import Streams
from worker.harness.unforeseen import Unforeseen


def read(job: dict[str, Any], *, alone: bool) -> NoReturn:
    """Collect the spec, and be the judge of the jobs that come; NOT_AHEAD where it cannot be. `alone`: see `Worker`."""
    worker = Worker(Events(), sys.stdin.buffer, alone)
    live, guests = Live(worker.events), Guests()
    ahead = Ahead(worker, live, guests, job["streams"])
    live.wait()
    code = pytest.main([spec_of(job), *options()], plugins=[live, guests, ahead])
    if ahead.job is None:
        sys.stdout.flush()
        os.write(2, f"each job reads the spec for itself: pytest ended with {code!r}\n".encode())
        os._exit(NOT_AHEAD)
    conclude(ahead.job, worker.events, "guest", live, code, ahead.streams)


def leave_to_each(*, alone: bool) -> NoReturn:
    """Be the judge of the jobs that come: each reads the spec for itself."""
    events = Events()
    one = Desk(Worker(events, sys.stdin.buffer, alone), None, streams=1).job()
    judge(one.job, events, one.listener, one.answers)


class Ahead:
    """pytest plugin: stops between collecting and running, and goes on in a child for each job."""

    def __init__(self, worker: Worker, live: Live, guests: Guests, streams: int) -> None:
        self._worker = worker
        self._live = live
        self._guests = guests
        self._most_streams = streams
        self._unforeseen = Unforeseen()
        self.job: dict[str, Any] | None = None
        self.streams: Streams | None = None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collection(self) -> Generator[None, None, None]:
        """Watch what the spec does while it is read."""
        with self._unforeseen.watched():
            yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Returns in a child, whose session holds the tests of its job; True where it has run them."""
        if session.testsfailed or self._unforeseen.what:
            why = self._unforeseen.what or "it could not be read"
            os.write(2, f"each job reads the spec for itself: {why}\n".encode())
            os._exit(NOT_AHEAD)
        one = Desk(self._worker, session, self._most_streams).job()
        self.job, number = one.job, one.streams.number
        session.items = chosen(session, one.job["tests"])
        session.testscollected = len(session.items)
        settle(one.job["seed"], "guest")
        deadline = time.monotonic() + one.job["run_seconds"]
        self._live.begin(session, tell=number == 0)
        Measuring(one.job, self._worker.events, one.answers, self._guests.lengthen).pytest_configure(session.config)
        self._guests.begin(link(one.job, self._worker.events, one.listener, number), deadline, one.count)
        if one.count == 1:
            return None
        self.streams = one.streams
        self.streams.run(session, one.listener, one.job["took"])
        return True
