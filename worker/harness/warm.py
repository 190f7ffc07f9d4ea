"""A judge that is there before the submission: it has read the spec, and forks a child for each job.

The child is judge of one job and ends with its report. What it was told, drew, imported or changed ends with it; this
process has seen no submission, opens no connection to a guest, and reads nothing but its worker's orders. Two forks
of it differ in nothing but their jobs.

A spec that must not be read before its job is known (it reads the seed while it is imported, or draws something then)
is read by each child for itself.
"""

import gc
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy.ma  # noqa: F401 - numpy does it at the first np.unique: here once, not in each job
import pytest

from worker.harness.judge import conclude, judge, link, options, settle, spec_of
from worker.harness.leftovers import Leftovers
from worker.harness.link import listen
from worker.harness.live import Events, Guests, Live
from worker.harness.measuring import Measuring
from worker.harness.orders import Order, receive
from worker.harness.streams import MOST_TESTS, Streams
from worker.harness.unforeseen import Unforeseen

CHANNEL = Path("/channel")
#: How the process that reads the spec ends where the spec cannot be read before the job is known.
NOT_AHEAD = 64
#: How a judge ends that found something changed which a next job would see.
CHANGED = 65


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
        os._exit(_exit_code(status))
    order, listeners, answers = Desk(worker, None, streams=1).child()
    judge(order.job, events, listeners[0], answers)


@dataclass(frozen=True)
class Worker:
    """Where events go and orders come from; pytest puts something else in the place of standard input.

    `alone`: nothing runs in this process table that is not ours, so all that a job leaves can be killed.
    """

    events: Events
    orders: BinaryIO
    alone: bool


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
        order, listeners, answers = Desk(self._worker, session, self._most_streams).child()
        self.job = order.job
        session.items = chosen(session, order.job["tests"])
        session.testscollected = len(session.items)
        settle(order.job["seed"], "guest")
        deadline = time.monotonic() + order.job["run_seconds"]
        self._live.begin(session)
        Measuring(order.job, self._worker.events, answers, self._guests.lengthen).pytest_configure(session.config)
        streams = len(order.job["tokens"])
        if streams > 1 and len(session.items) <= MOST_TESTS:
            self._worker.events.share()
            self.streams = Streams(session, streams)
        number = self.streams.number if self.streams is not None else 0
        self._guests.begin(link(order.job, self._worker.events, listeners[number], number), deadline, streams)
        if self.streams is None:
            return None
        self.streams.run(session, listeners[number])
        return True


def chosen(session: pytest.Session, tests: list[str] | None) -> list[pytest.Item]:
    """The session's tests of these names, in their order, each once; a function's or class's name means all of it."""
    if tests is None:
        return session.items
    found: dict[pytest.Item, None] = {}
    for name in tests:
        found |= dict.fromkeys(item for item in session.items if _is_called(item, name))
    return list(found)


def _is_called(item: pytest.Item, name: str) -> bool:
    own = item.nodeid.partition("::")[2]
    return own == name or own.startswith((f"{name}[", f"{name}::"))


class Desk:
    """Takes the worker's orders, one at a time, and has a child for each."""

    def __init__(self, worker: Worker, session: pytest.Session | None, streams: int) -> None:
        self._worker = worker
        self._session = session
        self._streams = streams
        self._leftovers = Leftovers(Path.home())

    def child(self) -> tuple[Order, list[socket.socket], BinaryIO]:
        """Returns in a child, with its order, the sockets at which its guests knock, and what the worker says to it
        from then on; never in this process."""
        gc.collect()
        gc.freeze()  # what is imported stays: each child would copy it merely to look through it
        while True:
            paths = [CHANNEL / secrets.token_hex(16) for _ in range(self._streams)]
            listeners = [listen(str(path)) for path in paths]
            self._worker.events.emit("free", sockets=[str(path) for path in paths])
            order = receive(self._worker.orders)
            if order is None:
                os._exit(0)
            if not self._knows(order.job["tests"]):
                self._worker.events.emit("declined")
            elif (answers := self._hand_over(order)) is not None:
                return order, listeners, answers
            for listener, path in zip(listeners, paths, strict=True):
                listener.close()
                path.unlink(missing_ok=True)
            if not self._leftovers.clear():
                os._exit(CHANGED)

    def _knows(self, tests: list[str] | None) -> bool:
        session = self._session
        return session is None or all(chosen(session, [name]) for name in tests or ())

    def _hand_over(self, order: Order) -> BinaryIO | None:
        """In the child, what the worker says to it; None in the parent, when the child and all it started ended well.

        An engine's answers come where orders do: while the child runs, nobody else reads there.
        """
        child = os.fork()
        if child == 0:
            nothing = os.open(os.devnull, os.O_RDONLY)
            answers = os.dup(0 if order.job["measured"] else nothing)
            os.dup2(nothing, 0)  # the next order is not for it
            os.close(nothing)
            # what stands before this on standard error is of another job, and none of this one's business
            os.write(2, f"{order.job['mark']}\n".encode())
            self._worker.events.emit("begun")
            return os.fdopen(answers, "rb")
        _, status = os.waitpid(child, 0)
        if self._worker.alone:
            _end_all()
        if status != 0:
            os._exit(_exit_code(status))
        return None


def _end_all() -> None:
    """End what a job's child has started and left behind: everything but this process and process 1."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(-1, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _exit_code(status: int) -> int:
    """How to end as a child did; a signal as a shell tells it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
