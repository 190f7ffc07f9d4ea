"""A thread that does something again and again: each second, and at once when there is news."""

import logging
import threading
import time
from abc import ABC, abstractmethod

from grader.domain.errors import GraderError

ROUND_S = 1.0
log = logging.getLogger(__name__)


class Rounds(ABC):
    """Runs `round` until it is stopped. A round that fails is logged, and the next one comes all the same."""

    def __init__(self, name: str) -> None:
        self._news = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def round(self) -> None:
        """Do what there is to do."""

    @property
    def alive(self) -> bool:
        """Whether rounds are being run."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do. From any thread."""
        self._news.set()

    def stop(self, seconds: float | None = None) -> None:
        """End after the round that runs, waiting for it no longer than so many seconds."""
        self._stop = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop:
            self._news.clear()
            try:
                self.round()
            except GraderError as error:
                log.error("a round of the %s failed: %s", self._thread.name, error)
            except Exception:  # whatever it was, what waits still needs the next round
                log.exception("a round of the %s failed", self._thread.name)
            self._news.wait(ROUND_S)


class Every:
    """Says whether it is time again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def due(self) -> bool:
        """True at most once in so many seconds."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
