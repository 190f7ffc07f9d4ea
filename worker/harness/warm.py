"""A judge that is there before the submission: it has read the spec, and forks a child for each job.

The child is judge of one job and ends with its report. What it was told, drew, imported or changed ends with it; this
process has seen no submission and no job, opens no connection to a guest, and reads nothing. Two forks of it differ in
nothing but their jobs.

A spec that must not be read before its job is known (it reads the seed while it is imported, or draws something then)
is read by each child for itself.
"""

import os
import sys
import time
from collections.abc import Generator
from typing import Any, NoReturn

import numpy.ma  # noqa: F401 - numpy does it at the first np.unique: here once, not in each job
import pytest

from worker.harness.desk import Desk, Worker, chosen, exit_code
from worker.harness.judge import conclude, judge, link, options, settle, spec_of
from worker.harness.live import Events, Guests, Live
from worker.harness.measuring import Measuring
from worker.harness.streams import Streams
from worker.harness.unforeseen import Unforeseen

#: How the process that reads the spec ends where the spec cannot be read before the job is known.
NOT_AHEAD = 64


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox. `job` names the lab and its spec; orders follow on standard input."""
    os.umask(0)
    events = Events()
    worker = Worker(events, sys.stdin.buffer, alone=os.getpid() == 1)
    reader = os.fork()
    if reader == 0:
        _read_ahead(job, worker)
    ended, status = os.wait()
    while ended != reader:  # an orphan of a job
        ended, status = os.wait()
    if os.waitstatus_to_exitcode(status) != NOT_AHEAD:
        os._exit(exit_code(status))
    one = Desk(worker, None, streams=1).job()
    judge(one.job, events, one.listener, one.answers)


def _read_ahead(job: dict[str, Any], worker: Worker) -> NoReturn:
    """Collect the spec, and be the judge of the jobs that come; NOT_AHEAD where it cannot be."""
    live, guests = Live(worker.events), Guests()
    ahead = Ahead(worker, live, guests, job["streams"])
    live.wait()
    code = pytest.main([spec_of(job), *options()], plugins=[live, guests, ahead])
    if ahead.job is None:
        sys.stdout.flush()
        os.write(2, f"each job reads the spec for itself: pytest ended with {code!r}\n".encode())
        os._exit(NOT_AHEAD)
    conclude(ahead.job, worker.events, "guest", live, code, ahead.streams)


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
