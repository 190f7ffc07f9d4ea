"""Guests that play what a script says over a real socket, and the judge's end held against them."""

import os
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.faults import OverBudget, StudentFault

from tests.fuzz.values import is_plain
from worker.harness.frames import receive_frame
from worker.harness.link import GuestTransport
from worker.harness.messages import Ending

#: What a test may last in a conversation with somebody hostile.
SECONDS = 0.25
#: A guest that the judge has not left by then has held it up, on however busy a machine.
PATIENCE = 60.0
#: Calls that a target allows.
BUDGET = 50
_HANGS_UP = {"shut": socket.SHUT_WR, "deaf": socket.SHUT_RD, "hang up": socket.SHUT_RDWR}


@dataclass(frozen=True)
class Step:
    """One thing a guest does.

    `send`, `drip` or `flood` data, or send them as `urgent` or with `descriptors`; `read` a frame; `shut` its own end,
    be `deaf`, or `hang up`; `stay` until the judge hangs up.
    """

    what: str
    data: bytes = b""


def framed(data: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(data) if size is None else size) + data


class Guest:
    """Plays its steps on its end of the connection, then stays on the line until the judge hangs up."""

    def __init__(self, connection: socket.socket, script: Sequence[Step]) -> None:
        self._connection = connection
        self._script = script
        self._held = False
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def end(self) -> None:
        """The judge is done with it. Raises AssertionError where the guest hung up first."""
        self._thread.join()
        self._connection.close()
        assert not self._held, "the judge did not hang up"

    def _play(self) -> None:
        self._connection.settimeout(PATIENCE)
        try:
            for step in (*self._script, Step("stay")):
                try:
                    self._do(step)
                except TimeoutError:
                    raise
                except (OSError, EOFError):
                    continue  # one of the two has hung up
        except TimeoutError:
            self._held = True
            self._connection.shutdown(socket.SHUT_RDWR)

    def _do(self, step: Step) -> None:
        if step.what in _HANGS_UP:
            self._connection.shutdown(_HANGS_UP[step.what])
        elif step.what == "read":
            receive_frame(self._connection, time.monotonic() + PATIENCE)
        elif step.what == "stay":
            while self._connection.recv(1 << 16):
                pass
        else:
            self._say(step.what, step.data)

    def _say(self, how: str, data: bytes) -> None:
        if how == "drip":
            for byte in data[:50]:
                self._connection.sendall(bytes((byte,)))
                time.sleep(0.001)  # slowly is what this is about
        elif how == "descriptors":
            with Path(os.devnull).open("rb") as file:
                socket.send_fds(self._connection, [data or b"x"], [file.fileno()] * 20)
        elif how == "urgent":
            self._connection.send(data[:1] or b"x", socket.MSG_OOB)
        else:
            for _ in range(2_000 if how == "flood" else 1):
                self._connection.sendall(data)


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

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, context: Any, draft: Any = ()) -> list[int]:
        self.calls += 1
        if self.calls > BUDGET:
            raise OverBudget("too many", "", "f")
        assert is_plain(context) and is_plain(draft)
        return [int(token) for token in context][:5] + list(draft)[:1]


def converse(script: Sequence[Step]) -> str:
    """Call a guest that plays `script`; how it ended. Raises AssertionError where the judge's end did not hold."""
    ours, theirs = socket.socketpair()
    guest = Guest(theirs, script)
    link = OneChild(ours)
    transport = GuestTransport(link, 7, SECONDS, time.monotonic() + PATIENCE)  # type: ignore[arg-type]
    ended = "answered"
    try:
        for n in (1, 2, 3):
            values = transport.call("f", [((Target(), [1, 2]), {})] * n)
            assert len(values) == n and is_plain(values)
    except StudentFault as fault:
        ended = fault.cause
        assert len(str(fault)) < 3_000
    finally:
        transport.close()
        ours.close()
        guest.end()
    assert link.reaped == 1
    return ended
