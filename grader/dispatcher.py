"""Brings waiting jobs to workers, and looks whether somebody has to be told of something."""

from grader.ports import Queue
from grader.rounds import Every, Rounds
from grader.steps import dispatch
from grader.steps.service import Service

LOOK_S = 15.0


class Dispatcher(Rounds):
    """Runs `dispatch.tick`. Any number of processes may have one."""

    def __init__(self, service: Service, queue: Queue) -> None:
        super().__init__("dispatcher")
        self._service = service
        self._queue = queue
        self._look = Every(LOOK_S)
        self._alarms: frozenset[str] = frozenset()

    def round(self) -> None:
        """See `Rounds`."""
        dispatch.tick(self._service, self._queue)
        if self._look.due():
            self._alarms = dispatch.look(self._service, self._alarms)
