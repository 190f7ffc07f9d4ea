"""The dispatcher's thread: a round each second, and at once when there is news."""

import logging
import threading
import time

from grader.domain.errors import GraderError
from grader.ports import Queue
from grader.steps import dispatch
from grader.steps.service import Service

ROUND_S = 1.0
#: How often it is asked whether somebody has to be told of something.
LOOK_S = 15.0
log = logging.getLogger(__name__)


class Dispatcher:
    """Runs `dispatch.tick` until it is stopped. Any number of processes may have one."""

    def __init__(self, service: Service, queue: Queue) -> None:
        self._service = service
        self._queue = queue
        self._news = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

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

    def stop(self) -> None:
        """End after the round that runs."""
        self._stop = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        known: frozenset[str] = frozenset()
        looked = 0.0
        while not self._stop:
            self._news.clear()
            try:
                dispatch.tick(self._service, self._queue)
                if time.monotonic() - looked >= LOOK_S:
                    looked = time.monotonic()
                    known = dispatch.look(self._service, known)
            except GraderError as error:
                log.error("a round of the dispatcher failed: %s", error)
            except Exception:  # whatever it was, waiting jobs still need the next round
                log.exception("a round of the dispatcher failed")
            self._news.wait(ROUND_S)
