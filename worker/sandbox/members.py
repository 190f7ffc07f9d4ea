"""The processes of one cell, some of which may be starting while it closes."""

import threading
from typing import Generic, Protocol, TypeVar

from worker.sandbox import SandboxError


class Member(Protocol):
    """What is kept here."""

    closed: bool

    def close(self) -> None:
        """See `Running`."""
        ...


M = TypeVar("M", bound=Member)


class Members(Generic[M]):
    """May be used from any thread. Whoever comes after the end is closed at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: list[M] = []
        self._ended = False

    def check(self) -> None:
        """Raises SandboxError after the end."""
        if self._ended:
            raise SandboxError("the cell is closed: start processes inside its `with` block")

    def add(self, member: M) -> M:
        """Keep it until it is closed or the end. Raises SandboxError after the end."""
        with self._lock:
            self._members = [*(one for one in self._members if not one.closed), member]
            too_late = self._ended
        if too_late:
            member.close()
            self.check()
        return member

    def end(self) -> list[M]:
        """From now on nobody can be added; who is to be closed."""
        with self._lock:
            self._ended = True
            return self._members
