"""Guests that play what a script says over a real socket, and the judge's end held against them."""

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.faults import OverBudget, StudentFault

from tests.fuzz.values import is_plain
from worker.harness.frames import receive_frame
from worker.harness.link import GuestTransport
from worker.harness.messages import Ending

#: What a test may last in a conversation, and how much later its end may be noticed on a busy machine.
SECONDS = 0.25
SLACK = 5.0


@dataclass(frozen=True)
class Step:
    """One thing a guest does: `send`, `drip` or `flood` data, `read` a frame, pass `descriptors`, `shut`, `urgent`."""

    what: str
    data: bytes = b""


def framed(data: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(data) if size is None else size) + data


class Guest:
    """Plays its steps on its end of the connection, then stays on the line until the judge hangs up."""

    def __init__(self, connection: socket.socket, script: Sequence[Step]) -> None:
        self._connection = connection
        self._script = script
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def end(self) -> None:
        self._thread.join(SLACK)
        assert not self._thread.is_alive(), "the judge did not hang up"
        self._connection.close()

    def _play(self) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
            for step in self._script:
                self._do(step)
            self._connection.settimeout(SLACK)
            while self._connection.recv(1 << 16):
                pass

    def _do(self, step: Step) -> None:
        connection = self._connection
        connection.settimeout(SECONDS * 2)
        if step.what == "send":
            connection.sendall(step.data)
        elif step.what == "drip":
            for i in range(min(len(step.data), 50)):
                connection.sendall(step.data[i : i + 1])
                time.sleep(0.001)  # slowly is what this is about
        elif step.what == "flood":
            for _ in range(2_000):
                connection.sendall(step.data)
        elif step.what == "read":
            receive_frame(connection, time.monotonic() + SECONDS * 2)
        elif step.what == "descriptors":
            with Path(os.devnull).open("rb") as file:
                socket.send_fds(connection, [step.data or b"x"], [file.fileno()] * 20)
        elif step.what == "urgent":
            connection.send(step.data[:1] or b"x", socket.MSG_OOB)
        else:
            connection.shutdown({"shut": socket.SHUT_WR, "deaf": socket.SHUT_RD}.get(step.what, socket.SHUT_RDWR))


class OneChild:
    """Stands in for a Link: one child, whose end is told by `reap`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.reaped = 0

    def fork(self) -> socket.socket:
        return self._connection

    def reap(self) -> Ending:
        self.reaped += 1
        return Ending(9, "")


class Target:
    """A spec's callable that believes what it is told, as a careless author writes it."""

    def __init__(self, budget: int = 50) -> None:
        self.calls = 0
        self._budget = budget

    def __call__(self, context: Any, draft: Any = ()) -> list[int]:
        self.calls += 1
        if self.calls > self._budget:
            raise OverBudget("too many", "", "f")
        assert is_plain(context) and is_plain(draft)
        return [int(token) for token in context][:5] + list(draft)[:1]


def converse(script: Sequence[Step], calls: int = 3, arguments: Callable[[], tuple[Any, ...]] | None = None) -> str:
    """Call a guest that plays `script`; how it ended. Raises AssertionError where the judge's end did not hold."""
    ours, theirs = socket.socketpair()
    guest = Guest(theirs, script)
    link = OneChild(ours)
    transport = GuestTransport(link, 7, SECONDS, time.monotonic() + 60)  # type: ignore[arg-type]
    began = time.monotonic()
    ended = "answered"
    try:
        for n in range(1, calls + 1):
            values = transport.call("f", [((Target(), *(arguments() if arguments else ([1, 2],))), {})] * n)
            assert len(values) == n and is_plain(values)
    except StudentFault as fault:
        ended = fault.cause
        assert len(str(fault)) < 3_000
    finally:
        transport.close()
        ours.close()
        took = time.monotonic() - began
        guest.end()
    assert took < SECONDS + SLACK, took
    assert link.reaped == 1
    return ended
