"""The judge's end of the channel: one guest at a time, one child of it per test, one deadline over a whole call."""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit import faults

from worker.harness.arguments import Lent
from worker.harness.frames import OUT_OF_TURN, frame, receive_frame, receive_only_frame, send_by, spoke
from worker.harness.messages import (
    HELLO_BYTES,
    REAPED_BYTES,
    Callback,
    Ending,
    read_answer,
    read_ending,
    read_hello,
)
from worker.harness.wire import WireError

GUEST_START_SECONDS = 60.0
#: A child of a guest that is there; on a busy machine, a good while.
CHILD_START_SECONDS = 20.0
REAP_SECONDS = 5.0
#: What one test may take in altogether: a spec may keep all of it, and the judge's memory is bounded.
MAX_CALLBACKS = 200_000
MAX_TEST_BYTES = 128 * 1024 * 1024
MAX_TEST_ITEMS = 8_000_000
#: Hellos with a wrong token that are turned away before a connection is given up: a submission may knock, too.
MAX_KNOCKS = 64
MEMORY_ADVICE = "how large can your arrays and lists grow?"
Calls = Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]
Told = list[Any] | faults.StudentFault


class GuestUnavailable(Exception):
    """No guest could be started: the operator's fault or ours, never the student's."""


def listen(path: str) -> socket.socket:
    """A socket at which guests may knock."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o777)  # noqa: PTH101 - the guest runs as another user
    listener.listen(16)
    return listener


class Link:
    """Answers guests at `listener`. `ask(token)` makes the worker start a new one, which must present that token.

    `met()` is called once, when the first guest has answered.
    """

    def __init__(
        self, listener: socket.socket, token: str, ask: Callable[[str], None], met: Callable[[], None]
    ) -> None:
        self._ask = ask
        self._met: Callable[[], None] | None = met
        self._token = token
        self._listener = listener
        self._control: socket.socket | None = None
        self._lost = False

    def fork(self) -> socket.socket:
        """A connection to a fresh child, with a fresh guest where the last one is gone. Raises GuestUnavailable."""
        for _ in range(2):
            try:
                if self._control is None:
                    self._control = self._await_guest()
                token = os.urandom(16).hex()
                self._order(self._control, ["fork", token])
                child = self._accept("child", token, CHILD_START_SECONDS)
                if self._met is not None:
                    self._met()
                    self._met = None
                return child
            except (OSError, EOFError, TimeoutError, WireError):
                self._drop_guest()
        raise GuestUnavailable("the guest's sandbox did not answer twice in a row")

    def reap(self) -> Ending:
        """End the current child. A guest that does not answer is given up."""
        if self._control is None:
            return Ending(None, "")
        try:
            self._order(self._control, ["reap"])
            return read_ending(receive_frame(self._control, time.monotonic() + REAP_SECONDS, REAPED_BYTES))
        except (OSError, EOFError, TimeoutError, WireError):
            self._drop_guest()
            return Ending(None, "")

    def _order(self, control: socket.socket, order: list[str]) -> None:
        if spoke(control):
            raise WireError("the guest spoke before it was asked")
        send_by(control, frame(order), time.monotonic() + REAP_SECONDS)

    def _drop_guest(self) -> None:
        if self._control is not None:
            self._control.close()
        self._control = None
        self._lost = True

    def _await_guest(self) -> socket.socket:
        if self._lost:
            self._token = os.urandom(16).hex()
            self._ask(self._token)
        return self._accept("zygote", self._token, GUEST_START_SECONDS)

    def _accept(self, kind: str, token: str, seconds: float) -> socket.socket:
        deadline = time.monotonic() + seconds
        for _ in range(MAX_KNOCKS):
            self._listener.settimeout(max(0.001, deadline - time.monotonic()))
            connection, _ = self._listener.accept()
            try:
                by = min(deadline, time.monotonic() + REAP_SECONDS)
                if read_hello(receive_frame(connection, by, HELLO_BYTES)) == (kind, token):
                    return connection
            except (EOFError, TimeoutError, WireError, OSError):
                pass
            connection.close()
        raise TimeoutError


class GuestTransport:
    """Carries one test's calls to the guest; satisfies labkit's Transport."""

    def __init__(self, link: Link, seed: int, seconds: float, run_deadline: float) -> None:
        self._link = link
        self._lent = Lent(seed)
        self._seconds = seconds
        self._run_deadline = run_deadline
        self._connection: socket.socket | None = None
        self._deadline = 0.0
        self._over: faults.StudentFault | None = None
        self._ending: Ending | None = None
        self._first_at: float | None = None
        self._last_at = 0.0
        self._bytes = self._items = self._callbacks = 0

    @property
    def used_s(self) -> float | None:
        """Seconds from the first call to the last answer; None before the first."""
        return None if self._first_at is None else self._last_at - self._first_at

    def call(self, function: str, calls: Calls) -> list[Any]:
        """See Transport. A fault that ended the child is raised again by every later call of the test."""
        if self._over is not None:
            raise self._over
        if self._connection is None:
            if time.monotonic() >= self._run_deadline:
                raise faults.TimedOut(
                    f"{function}() was not called: earlier tests used up the time of the whole run", "mend those first"
                )
            self._connection = self._link.fork()
            self._first_at = time.monotonic()
            self._deadline = min(self._first_at + self._seconds, self._run_deadline)
        try:
            answer = self._converse(self._connection, function, calls)
        except faults.StudentFault as fault:
            self._over = fault
            raise
        finally:
            self._last_at = time.monotonic()
        # raised out here: a fault can be an OSError or a TimeoutError of the student's own
        if isinstance(answer, faults.StudentFault):
            raise answer
        return answer

    def close(self) -> str:
        """End the test's child; returns what the submission printed."""
        if self._connection is None:
            return ""
        if self._ending is None:
            self._ending = self._link.reap()
            self._connection.close()
        return self._ending.output

    def _converse(self, connection: socket.socket, function: str, calls: Calls) -> Told:
        """What the calls returned, or the fault that the guest tells of. Raises the faults that end the child."""
        order = self._lent.order(function, calls)
        try:
            return self._ask(connection, order, function, len(calls))
        except TimeoutError:
            self.close()
            raise faults.TimedOut(
                f"{function}() did not answer: the test's {self._seconds:g} s were used up",
                "look for a loop that never ends, or for work that grows too fast with the input", function,
            ) from None  # fmt: skip
        except (EOFError, OSError):
            self.close()
            raise faults.Crashed(*_crash(function, self._ending), function) from None
        except WireError as problem:
            self.close()
            raise faults.Crashed(
                f"{function}() broke the channel to the grader: {problem}",
                "do not touch file descriptors you did not open",
                function,
            ) from None

    def _ask(self, connection: socket.socket, order: bytes, function: str, calls: int) -> Told:
        if spoke(connection):
            raise WireError(OUT_OF_TURN)
        send_by(connection, order, self._deadline)
        while True:
            answer = read_answer(self._receive(connection), function, calls)
            if isinstance(answer, faults.StudentFault):
                return answer
            if not isinstance(answer, Callback):
                self._items += answer.items
                if self._items > MAX_TEST_ITEMS:
                    raise WireError(f"more than {MAX_TEST_ITEMS:,} items in one test")
                return answer.values
            self._callbacks += 1
            if self._callbacks > MAX_CALLBACKS:
                raise WireError(f"more than {MAX_CALLBACKS:,} calls back in one test")
            send_by(connection, self._lent.call(answer.number, answer.arguments), self._deadline)

    def _receive(self, connection: socket.socket) -> bytes:
        data = receive_only_frame(connection, self._deadline)
        self._bytes += len(data)
        if self._bytes > MAX_TEST_BYTES:
            raise WireError(f"more than {MAX_TEST_BYTES:,} bytes in one test")
        return data


def _crash(function: str, ending: Ending | None) -> tuple[str, str]:
    """A sentence and advice for a child that hung up."""
    status = ending.status if ending is not None else None
    if status is None:
        return f"{function}() took its whole sandbox down; most often that is memory", MEMORY_ADVICE
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        if number == signal.SIGKILL:
            return (
                f"the process running {function}() was killed; most often that is memory",
                MEMORY_ADVICE,
            )
        return f"the process running {function}() died of {name}", "a crash below Python: what does your code call?"
    return (
        f"the process running {function}() ended itself (exit code {os.WEXITSTATUS(status)})",
        "do not call os._exit or close file descriptors",
    )
