"""The publisher's thread: takes in what forges tell of and posts statuses back, each second and at once on news."""

import logging
import threading
import time

from grader.domain.errors import GraderError
from grader.steps.fetching import fetch_one
from grader.steps.publishing import Outlet, post_one
from grader.steps.service import Service

ROUND_S = 1.0
#: How often it is asked whether something that was posted has been graded again.
LOOK_S = 15.0
#: How long the end of a fetch or a post is waited for: what is not ended is done again when its lease has run out.
STOP_S = 5.0
log = logging.getLogger(__name__)


class Publisher:
    """Runs until it is stopped. Any number of processes may have one: each push and status is one publisher's."""

    def __init__(self, service: Service, outlet: Outlet) -> None:
        self._service = service
        self._outlet = outlet
        self._news = threading.Event()
        self._stop = False
        self._looked = 0.0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin, unless no course is connected to a forge."""
        for course in self._outlet.forges:
            if self._service.store.courses.course(course) is None:
                log.error(
                    "the forges file names %s, but there is no such course: its webhooks are answered 404", course
                )
        if self._outlet.forges:
            self._thread.start()

    def wake(self) -> None:
        """There may be something to do. From any thread."""
        self._news.set()

    def stop(self) -> None:
        """End after what is under way."""
        self._stop = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self._outlet.statuses.close()

    def _run(self) -> None:
        while not self._stop:
            self._news.clear()
            try:
                self._round()
            except GraderError as error:
                log.error("a round of the publisher failed: %s", error)
            except Exception:  # whatever it was, the other pushes and statuses still need the next round
                log.exception("a round of the publisher failed")
            self._news.wait(ROUND_S)

    def _round(self) -> None:
        if time.monotonic() - self._looked >= LOOK_S:
            self._looked = time.monotonic()
            self._service.store.publications.reopen()
        busy = True
        while busy and not self._stop:
            fetched = fetch_one(self._service, self._outlet)
            busy = post_one(self._service, self._outlet) or fetched
