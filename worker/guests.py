"""The guests of one job: one at a time, a fresh one whenever the judge asks."""

from collections.abc import Callable

from grader.domain.errors import Fault
from grader.domain.run import Assignment
from worker import roles
from worker.sandbox import Running
from worker.verdictless import NoReport

MAX_GUESTS = 64


class Guests:
    """`take` gives a guest that has seen nobody and waits for its order; `drop` ends one that is used."""

    def __init__(
        self, assignment: Assignment, socket: str, take: Callable[[], Running], drop: Callable[[Running], None]
    ) -> None:
        self._assignment = assignment
        self._socket = socket
        self._take = take
        self._drop = drop
        self._current: Running | None = None
        self._left = MAX_GUESTS

    def start(self, token: str) -> None:
        """A fresh guest that will present `token`; the one before is ended. Raises NoReport, SandboxError."""
        self.end()
        if self._left == 0:
            raise NoReport(Fault.US, f"the submission took down {MAX_GUESTS} guests; the run was given up")
        self._left -= 1
        self._current = self._take()
        self._current.feed(roles.guest_order(self._assignment, self._socket, token), last=True)

    def end(self) -> None:
        """No guest is needed any more."""
        if self._current is not None:
            self._drop(self._current)
        self._current = None
