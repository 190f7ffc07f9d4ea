"""The judge's end of the channel: one guest at a time, one child of it per test, one deadline over a whole call."""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from labkit import faults
from labkit.plain import NotPlain, to_plain
from labkit.streams import child_seed

from worker.harness.frames import receive_frame, send_frame
from worker.harness.wire import Decoder, Handle, Stream, WireError

GUEST_START_SECONDS = 60.0
REAP_SECONDS = 5.0
MAX_CALLBACKS = 200_000
#: Hellos with a wrong token that are turned away before a connection is given up: a submission may knock, too.
MAX_KNOCKS = 64
MEMORY_ADVICE = "how large can your arrays and lists grow?"
FAULTS = {
    kind.__name__: kind
    for kind in (
        faults.Unloadable,
        faults.MissingFunction,
        faults.WrongArguments,
        faults.WrongType,
        faults.ChangedArgument,
    )
}


class GuestUnavailable(Exception):
    """No guest could be started: the operator's fault or ours, never the student's."""


@dataclass(frozen=True)
class Ending:
    """How a test's child ended and what it printed. `status` as from waitpid, None where it was never learnt."""

    status: int | None
    output: str


class Link:
    """Listens for guests. `ask(token)` makes the worker start a new one, which must present that token."""

    def __init__(self, path: str, token: str, ask: Callable[[str], None]) -> None:
        self._ask = ask
        self._token = token
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        os.chmod(path, 0o777)  # noqa: PTH101 - the guest runs as another user
        self._listener.listen(16)
        self._control: socket.socket | None = None
        self._lost = False

    def fork(self) -> socket.socket:
        """A connection to a fresh child, with a fresh guest where the last one is gone. Raises GuestUnavailable."""
        for _ in range(2):
            try:
                if self._control is None:
                    self._control = self._await_guest()
                token = os.urandom(16).hex()
                self._control.settimeout(REAP_SECONDS)
                send_frame(self._control, ["fork", token])
                return self._accept("child", token, GUEST_START_SECONDS)
            except (OSError, EOFError, TimeoutError, WireError):
                self._drop_guest()
        raise GuestUnavailable("the guest's sandbox did not answer twice in a row")

    def reap(self) -> Ending:
        """End the current child. A guest that does not answer is given up."""
        control = self._control
        if control is None:
            return Ending(None, "")
        try:
            control.settimeout(REAP_SECONDS)
            send_frame(control, ["reap"])
            kind, status, output, dropped = Decoder(receive_frame(control, time.monotonic() + REAP_SECONDS)).value()
            if kind != "reaped" or not isinstance(output, bytes) or not isinstance(dropped, int):
                raise WireError("no such answer")
        except (OSError, EOFError, TimeoutError, WireError, ValueError, TypeError):
            self._drop_guest()
            return Ending(None, "")
        text = output.decode("utf-8", "replace")
        more = f"\n… {dropped:,} more bytes" if dropped else ""
        return Ending(status if isinstance(status, int) else None, text + more)

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
                hello = Decoder(receive_frame(connection, min(deadline, time.monotonic() + REAP_SECONDS))).value()
            except (EOFError, TimeoutError, WireError, OSError):
                hello = None
            if hello == [kind, token]:
                return connection
            connection.close()
        raise TimeoutError


class GuestTransport:
    """Carries one test's calls to the guest; satisfies labkit's Transport."""

    def __init__(self, link: Link, seed: int, seconds: float, run_deadline: float) -> None:
        self._link = link
        self._seed = seed
        self._seconds = seconds
        self._run_deadline = run_deadline
        self._connection: socket.socket | None = None
        self._deadline = 0.0
        self._over: faults.StudentFault | None = None
        self._ending: Ending | None = None
        self._first_at: float | None = None
        self._last_at = 0.0

    @property
    def used_s(self) -> float | None:
        """Seconds from the first call to the last answer; None before the first."""
        return None if self._first_at is None else self._last_at - self._first_at

    def call(self, function: str, calls: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]) -> list[Any]:
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
            return self._converse(self._connection, function, calls)
        except faults.StudentFault as fault:
            if isinstance(fault, (faults.TimedOut, faults.Crashed, faults.OverBudget)):
                self._over = fault
            raise
        finally:
            self._last_at = time.monotonic()

    def close(self) -> str:
        """End the test's child; returns what the submission printed."""
        if self._connection is None:
            return ""
        if self._ending is None:
            self._ending = self._link.reap()
            self._connection.close()
        return self._ending.output

    def _converse(
        self, connection: socket.socket, function: str, calls: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]
    ) -> list[Any]:
        message = _Message(self._seed)
        order = ["call", function, [message.call(args, kwargs) for args, kwargs in calls]]
        try:
            connection.settimeout(max(0.001, self._deadline - time.monotonic()))
            send_frame(connection, order)
            for _ in range(MAX_CALLBACKS):
                answer = Decoder(receive_frame(connection, self._deadline)).value()
                if not isinstance(answer, list) or not answer:
                    raise WireError("an answer that is no list")
                if answer[0] != "callback":
                    return _result(answer, function, len(calls))
                connection.settimeout(max(0.001, self._deadline - time.monotonic()))
                send_frame(connection, message.answer(answer))
            raise WireError(f"more than {MAX_CALLBACKS:,} calls back")
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


class _Message:
    """The arguments of one message: generators become streams, callables handles."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[int, Stream] = {}
        self._callables: list[Callable[..., Any]] = []

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        return [[self._plain(a) for a in args], {k: self._plain(v) for k, v in kwargs.items()}]

    def _plain(self, value: Any) -> Any:
        if isinstance(value, np.random.Generator):
            if id(value) not in self._streams:
                self._streams[id(value)] = Stream(child_seed(value, self._seed), len(self._streams))
            return self._streams[id(value)]
        if callable(value):
            self._callables.append(value)
            return Handle(len(self._callables) - 1)
        return to_plain(value)

    def answer(self, request: list[Any]) -> list[Any]:
        """Run a callable the guest asked for. Its arguments are the student's: whatever it raises goes back to them."""
        match request:
            case ["callback", int(number), list(args)] if 0 <= number < len(self._callables):
                pass
            case _:
                raise WireError("a call back that makes no sense")
        try:
            return ["value", to_plain(self._callables[number](*args))]
        except faults.OverBudget:
            raise
        except NotPlain:
            raise
        except Exception as error:  # noqa: BLE001 - the spec's callable, called with anything at all
            return ["error", type(error).__name__, str(error)[:300]]


def _result(answer: list[Any], function: str, n: int) -> list[Any]:
    match answer:
        case ["values", list(values)] if len(values) == n:
            return values
        case ["fault", "StudentRaised", str(type_name), str(message), str(where), (str() | None) as named]:
            raise faults.raised(type_name[:100], message[:500], where[:100], named and named[:100])
        case ["fault", str(kind), str(sentence), str(advice), _, _] if kind in FAULTS:
            raise FAULTS[kind](sentence[:1000], advice[:500], function)
    raise WireError("an answer that makes no sense")


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
