"""The guests of one job: one at a time, a fresh one whenever the judge asks."""

from collections.abc import Callable
from dataclasses import dataclass

from grader.domain.errors import Fault
from grader.domain.run import Assignment
from worker import roles
from worker.sandbox import Running
from worker.verdictless import NoReport

MAX_GUESTS = 64


@dataclass(frozen=True)
class Guest:
    """One, and the core it runs on: None where it may use any. See `Limits` for the background."""

    running: Running
    core: int | None
    background: bool = False


class Guests:
    """`take` gives a guest that has seen nobody and waits for its order; `drop` ends one that is used."""

    def __init__(
        self, assignment: Assignment, socket: str, take: Callable[[], Guest], drop: Callable[[Guest], None]
    ) -> None:
        self._assignment = assignment
        self._socket = socket
        self._take = take
        self._drop = drop
        self._current: Guest | None = None
        self._left = MAX_GUESTS

    def start(self, token: str) -> None:
        """A fresh guest that will present `token`; the one before is ended. Raises NoReport, SandboxError."""
        self.end()
        if self._left == 0:
            raise NoReport(Fault.US, f"the submission took down {MAX_GUESTS} guests; the run was given up")
        self._left -= 1
        self._current = self._take()
        self._current.running.feed(roles.guest_order(self._assignment, self._socket, token), last=True)

    def end(self) -> None:
        """No guest is needed any more."""
        guest, self._current = self._current, None
        if guest is not None:
            self._drop(guest)
