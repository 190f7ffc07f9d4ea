"""A sandbox in which nothing runs: a judge says what a test told it to, or what a test has it say meanwhile."""

import json
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from worker.limits import Limits
from worker.sandbox import Exit, Probe, Role, SandboxError

REPORT = {"tests": [{"nodeid": "tiny/test_lab.py::test_one", "outcome": "passed"}]}
COLLECTED = {"event": "collected", "tests": ["test_one"]}
PASSED = {"event": "test", "test": "test_one", "outcome": "passed", "duration_s": 0.1}
REPORTED = {"event": "report", "report": REPORT}
RUN = (COLLECTED, PASSED, REPORTED)


class FakeRunning:
    """Satisfies `Running`."""

    def __init__(self) -> None:
        self.killed = threading.Event()
        self.fed: list[bytes] = []
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def say(self, *events: Any) -> None:
        """Write these as its next lines."""
        for event in events:
            self._lines.put(event if isinstance(event, bytes) else json.dumps(event).encode())

    def end(self) -> None:
        """End without another word."""
        self._lines.put(None)

    def read_line(self, timeout: float) -> bytes | None:
        """See `Running`."""
        try:
            return self._lines.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None

    def stderr_tail(self) -> str:
        """See `Running`."""
        return "its last words"

    def kill(self) -> None:
        """See `Running`."""
        self.killed.set()
        self._lines.put(None)

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """See `Running`."""
        self.fed.append(data)

    def close(self) -> None:
        """See `Running`."""
        self.kill()

    def wait(self, timeout: float) -> Exit:
        """See `Running`."""
        return Exit(-9 if self.killed.is_set() else 0)


class FakeSandbox:
    """Satisfies `Sandbox` and `Cell`. `judges` are those it has started; `open` is how many cells are."""

    name = "fake"

    def __init__(self, *said: Any, error: Exception | None = None) -> None:
        self.judges: list[FakeRunning] = []
        self.open = 0
        self._said = said
        self._error = error
        self._started = threading.Condition()

    def probe(self) -> Probe:
        """See `Sandbox`."""
        return Probe(self.name, True, "")

    @contextmanager
    def cell(self) -> Iterator["FakeSandbox"]:
        """See `Sandbox`."""
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    def start(
        self, role: Role, argv: Sequence[str], stdin: bytes, limits: Limits, *, more: bool = False
    ) -> FakeRunning:
        """See `Cell`."""
        running = FakeRunning()
        if role is not Role.GUEST:
            if self._error is not None:
                raise self._error
            running.say(*self._said)
            with self._started:
                self.judges.append(running)
                self._started.notify_all()
        return running

    def judge(self, number: int = 0) -> FakeRunning:
        """The judge of that run, once it has started."""
        with self._started:
            assert self._started.wait_for(lambda: len(self.judges) > number, 20), "no judge was started"
            return self.judges[number]


def out_of_order() -> SandboxError:
    """What a broken sandbox raises."""
    return SandboxError("no space left", "make some")
