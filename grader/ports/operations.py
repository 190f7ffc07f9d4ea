"""How the service does: more of the store. Times are seconds since 1970, given by the caller."""

from collections.abc import Mapping
from typing import Any, Protocol

from grader.domain.operations import Figures, WorkerBeat


class Operations(Protocol):
    """What keeps the service honest: workers' signs of life, figures, the audit log."""

    def put_worker(self, beat: WorkerBeat, now: float) -> None:
        """Note a sign of life."""
        ...

    def workers(self, now: float, silent_s: float) -> list[WorkerBeat]:
        """Those heard of within `silent_s`."""
        ...

    def load(self, now: float) -> Figures:
        """What waits, runs and was given up, which costs little however much was ever run; the rest is empty."""
        ...

    def figures(self, now: float) -> Figures:
        """All the numbers: reads whatever was ever run."""
        ...

    def note(self, actor: str, course: str, action: str, subject: str, detail: Mapping[str, Any], now: float) -> None:
        """Add to the audit log, which is never changed."""
        ...

    def audit(self, course: str, *, before: int = 0, limit: int = 100) -> list[Mapping[str, Any]]:
        """Newest first: id, at, actor, action, subject, detail."""
        ...

    def works(self) -> bool:
        """Whether the store can be read and written right now. Never raises."""
        ...
