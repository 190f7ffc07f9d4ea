"""A warm judge's jobs, one after the other: for each a child that is there before the job."""

import gc
import os
import secrets
import select
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from worker.harness.endings import CHANGED, DECLINED, NO_MORE, exit_code
from worker.harness.leftovers import Leftovers
from worker.harness.link import listen
from worker.harness.live import Events
from worker.harness.memory import copy_now
from worker.harness.orders import Order, receive
from worker.harness.streams import MOST_TESTS, Streams

CHANNEL = Path("/channel")
#: So long nobody may want anything before a child does what its job would begin with: sharing it out, copying memory.
QUIET_SECONDS = 0.25


@dataclass(frozen=True)
class Worker:
    """Where events go and orders come from; pytest puts something else in the place of standard input.

    `alone`: nothing runs in this process table that is not ours, so all that a job leaves can be killed.
    """

    events: Events
    orders: BinaryIO
    alone: bool


@dataclass(frozen=True)
class Begun:
    """A job in the process that has it, or in one of those: `answers` is what the worker says to it from now on."""

    job: dict[str, Any]
    listener: socket.socket
    answers: BinaryIO
    streams: Streams
    count: int


class Desk:
    """Has a child for each job, one after the other, which is there before the job and takes the worker's order."""

    def __init__(self, worker: Worker, session: pytest.Session | None, streams: int) -> None:
        """`streams`: in how many processes a job can be run."""
        self._worker = worker
        self._session = session
        self._streams = streams
        self._leftovers = Leftovers(Path.home())

    def job(self) -> Begun:
        """Returns in a process that has a job; never in this one."""
        gc.collect()
        gc.freeze()  # what is imported stays: each child would copy it merely to look through it
        if self._streams > 1:
            self._worker.events.share()
        while True:
            paths = [CHANNEL / secrets.token_hex(16) for _ in range(self._streams)]
            listeners = [listen(str(path)) for path in paths]
            child = os.fork()
            if child == 0:
                return self._wait(paths, listeners)
            _, status = os.waitpid(child, 0)
            if self._worker.alone:
                _end_all()
            if os.waitstatus_to_exitcode(status) == NO_MORE:
                os._exit(0)
            if os.waitstatus_to_exitcode(status) not in (0, DECLINED):
                os._exit(exit_code(status))
            for listener, path in zip(listeners, paths, strict=True):
                listener.close()
                path.unlink(missing_ok=True)
            if not self._leftovers.clear():
                os._exit(CHANGED)

    def _wait(self, paths: list[Path], listeners: list[socket.socket]) -> Begun:
        """For the next job; returns in each of its processes."""
        self._worker.events.emit("free", sockets=[str(path) for path in paths])
        streams: Streams | None = None
        if not select.select([self._worker.orders], [], [], QUIET_SECONDS)[0]:
            streams = Streams(self._streams)
            copy_now()
        if streams is None or streams.number == 0:
            order = self._order()
            count = self._count(order.job)
            streams = streams or Streams(count)
            if streams.number == 0:
                return self._first(order.job, count, listeners[0], streams)
        return self._other(listeners[streams.number], streams)

    def _order(self) -> Order:
        """The next that is for this judge; the process ends where there is none."""
        order = receive(self._worker.orders)
        if order is None:
            os._exit(NO_MORE)
        if not self._knows(order.job["tests"]):
            self._worker.events.emit("declined")
            os._exit(DECLINED)
        return order

    def _first(self, job: dict[str, Any], count: int, listener: socket.socket, streams: Streams) -> Begun:
        """The process that hears and tells the worker."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        answers = os.dup(0 if job["measured"] else nothing)  # an engine's answers come where orders do
        os.dup2(nothing, 0)  # the next order is not for it
        os.close(nothing)
        # what stands before this on standard error is of another job, and none of this one's business
        os.write(2, f"{job['mark']}\n".encode())
        streams.tell(job, count)
        self._worker.events.emit("begun")
        return Begun(job, listener, os.fdopen(answers, "rb"), streams, count)

    def _other(self, listener: socket.socket, streams: Streams) -> Begun:
        """A process that shares the first one's tests."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        job = streams.hear()
        return Begun(job, listener, os.fdopen(nothing, "rb"), streams, len(job["tokens"]))

    def _count(self, job: dict[str, Any]) -> int:
        """In how many streams a job is run."""
        tests = chosen(self._session, job["tests"]) if self._session is not None else []
        return len(job["tokens"]) if len(tests) <= MOST_TESTS else 1

    def _knows(self, tests: list[str] | None) -> bool:
        session = self._session
        return session is None or all(chosen(session, [name]) for name in tests or ())


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


def _end_all() -> None:
    """End what a job's child has started and left behind: everything but this process and process 1."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(-1, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
