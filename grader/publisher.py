"""Takes in what forges tell of, and posts statuses back."""

import logging

from grader.rounds import Every, Rounds
from grader.steps.fetching import fetch_one
from grader.steps.publishing import Outlet, post_one
from grader.steps.service import Service

#: How often it is asked whether something that was posted has been graded again, or has come due.
LOOK_S = 15.0
#: How long the end of a fetch or a post is waited for: what is not ended is done again when its lease has run out.
STOP_S = 5.0
log = logging.getLogger(__name__)


class Publisher(Rounds):
    """Any number of processes may have one: each push and each status is one publisher's."""

    def __init__(self, service: Service, outlet: Outlet) -> None:
        super().__init__("publisher")
        self._service = service
        self._outlet = outlet
        self._look = Every(LOOK_S)

    def start(self) -> None:
        """Begin, unless no course is connected to a forge."""
        for course in self._outlet.forges:
            if self._service.store.courses.course(course) is None:
                log.error(
                    "the forges file names %s, but there is no such course: its webhooks are answered 404", course
                )
        if self._outlet.forges:
            super().start()

    def stop(self, seconds: float | None = STOP_S) -> None:
        """See `Rounds`."""
        super().stop(seconds)
        if not self.alive:
            self._outlet.statuses.close()

    def round(self) -> None:
        """See `Rounds`."""
        if self._look.due():
            self._service.store.publications.reopen(self._service.clock())
        busy = True
        while busy and not self._stop:
            fetched = fetch_one(self._service, self._outlet)
            busy = post_one(self._service, self._outlet) or fetched
