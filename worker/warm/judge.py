"""A warm judge from the outside: it is free, has one job at a time, and is replaced when it has done enough."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from worker.bundle import order
from worker.roles import JUDGE_LIMITS
from worker.sandbox import Exit, OutputTooLarge, Running

#: A judge that has done so many jobs is replaced, whatever it looks like.
MOST_JOBS = 200
#: How long it may take to say that it has begun, and, its report given, that it is free again; seconds.
BEGIN_SECONDS = 10.0
FREE_SECONDS = 5.0


class Judge:
    """Satisfies `Running` while it has a job. `sockets` is where its next job's guests knock, one for each stream."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._jobs = 0
        self._said = 0
        self._mark = ""
        self.sockets: list[str] = []

    def is_free(self, timeout: float) -> bool:
        """Whether it says, within `timeout` seconds, that it waits for a job. It is of no use where not."""
        event = self._event(timeout)
        self.sockets = [str(socket) for socket in event.get("sockets", [])]
        named = bool(self.sockets) and all(socket.startswith("/channel/") for socket in self.sockets)
        return event.get("event") == "free" and named

    def is_alive(self) -> bool:
        """Whether a free judge is still there and has not said anything."""
        try:
            self._running.read_line(0)
        except TimeoutError:
            return True
        except OutputTooLarge:
            return False
        return False

    def give(self, job: Mapping[str, Any]) -> None:
        """Hand a job over; `has_begun` tells whether it was taken."""
        self._jobs += 1
        self._mark = secrets.token_hex(16)
        self._running.feed(order({**job, "mark": self._mark}, {}))

    def has_begun(self) -> bool:
        """Whether a child of it has the job. Where not, nothing of the job has happened."""
        return self._event(BEGIN_SECONDS).get("event") == "begun"

    def may_go_on(self) -> bool:
        """Whether it has one more job in it, with as much output as any judge may write."""
        return self._jobs < MOST_JOBS and self._said < JUDGE_LIMITS.output_bytes

    def read_line(self, timeout: float) -> bytes | None:
        """See `Running`."""
        line = self._running.read_line(timeout)
        self._said += len(line or b"") + 1
        return line

    def stderr_tail(self) -> str:
        """See `Running`. Of this job alone."""
        return self._running.stderr_tail().rpartition(f"{self._mark}\n")[2]

    def kill(self) -> None:
        """See `Running`."""
        self._running.kill()

    def wait(self, timeout: float) -> Exit:
        """See `Running`."""
        return self._running.wait(timeout)

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """See `Running`."""
        self._running.feed(data, last=last)

    def close(self) -> None:
        """See `Running`."""
        self._running.close()

    def _event(self, timeout: float) -> Mapping[str, Any]:
        """Its next event; {} where there is none in time, or none that makes sense."""
        try:
            event = json.loads(self.read_line(timeout) or b"{}")
        except (TimeoutError, OutputTooLarge, ValueError, RecursionError):
            return {}
        return event if isinstance(event, dict) else {}
