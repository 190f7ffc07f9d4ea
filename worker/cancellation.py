"""Ending a run from another thread: whoever is told that nobody wants it any more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.sandbox import Running


class Cancellation:
    """Kills the process it covers, so that whoever waits for its output goes on at once. It cannot be taken back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._running: Running | None = None

    @property
    def cancelled(self) -> bool:
        """Whether it was asked for."""
        return self._cancelled

    def cancel(self) -> None:
        """End the run; return when the covered process is gone. Safe to call twice. Raises SandboxError."""
        with self._lock:
            self._cancelled = True
            if self._running is not None:
                self._running.kill()

    @contextmanager
    def covers(self, running: Running) -> Iterator[None]:
        """While inside, `cancel` kills `running`; one that came before kills it right away.

        The lock is what keeps a kill from meeting a process that its cell has already cleared away.
        """
        with self._lock:
            self._running = running
            if self._cancelled:
                running.kill()
        try:
            yield
        finally:
            with self._lock:
                self._running = None
