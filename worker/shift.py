"""One worker's life: it is ready, takes jobs, drains, and is gone; and it keeps the grader told."""

import threading
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import structlog

from worker.attempt import Attempt
from worker.client import FIRST_PAUSE_S, GraderClient, GraderDown, NotOurs, NotUnderstood
from worker.measuring import Measurer
from worker.sandbox import Sandbox

HEARTBEAT_S = 5.0
#: Runs that begin and end within so many seconds are told of together: a short run is not slowed down by being told of.
SETTLE_S = 0.5
#: What a run takes to end once its judge is killed, in seconds: containers are slower than processes.
END_S = 20.0

log = structlog.get_logger(__name__)


class State(StrEnum):
    """What a worker tells of itself."""

    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"


class Shift:
    """Grades the jobs it is woken up for, as many at once as it is called. Safe to use from many threads.

    The file `pulse` is touched whenever the grader has heard that it lives.
    """

    def __init__(
        self,
        client: GraderClient,
        sandbox: Sandbox,
        name: str,
        queues: Sequence[str],
        slots: int,
        pulse: Path | None = None,
        measurer: Measurer | None = None,
    ) -> None:
        self.name = name
        self._client = client
        self._sandbox = sandbox
        self._measurer = measurer
        self._queues = list(queues)
        self._slots = slots
        self._pulse = pulse
        self._started_at = time.time()
        self._idle = threading.Condition()
        self._running: list[Attempt] = []
        self._state = State.READY
        self._changed = threading.Event()
        self._leaving = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._log = log.bind(worker=name)

    def start(self) -> None:
        """Begin to tell the grader that this worker is there."""
        self._heart.start()

    def grade(self, job_id: str) -> None:
        """Claim, run and report one job; return when the grader has it. A job that is not to be had is dropped.

        A dropped message costs nothing: the grader offers the job again.
        """
        if self._state is not State.READY:
            return
        try:
            claim = self._client.claim(job_id, self.name, self._queues)
        except NotOurs as error:
            self._log.info("not claimed", job=job_id, why=str(error))
        except (GraderDown, NotUnderstood) as error:
            self._log.error("not claimed", job=job_id, why=str(error))
        else:
            self._work(Attempt(self._client, claim, self._sandbox, self._measurer))

    def drain(self) -> None:
        """Take nothing new; what runs goes on."""
        with self._idle:
            if self._state is State.READY:
                self._state = State.DRAINING
        self._leaving.set()
        self._changed.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs, at most `timeout` seconds; whether that is so."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._running, timeout)

    def abandon(self) -> None:
        """Take nothing new, and kill what runs: the grader will give it to somebody else."""
        self.drain()
        self._client.hurry()
        with self._idle:
            running = list(self._running)
        for attempt in running:
            attempt.drop("the worker had to stop")

    def close(self, timeout: float | None = None) -> None:
        """Drain, give what runs `timeout` seconds (None: all it needs), and say goodbye."""
        self.drain()
        if not self.wait(timeout):
            self.abandon()
            self.wait(END_S)
        self._state = State.STOPPED
        self._changed.set()
        if self._heart.is_alive():
            self._heart.join()

    def _work(self, attempt: Attempt) -> None:
        with self._idle:
            self._running.append(attempt)
        self._changed.set()
        try:
            attempt.work()
        finally:
            with self._idle:
                self._running.remove(attempt)
                self._idle.notify_all()
            self._changed.set()

    def _beat(self) -> None:
        """Tell at each change and every few seconds; sooner at first where nobody listens, who may be starting."""
        pause, wait = FIRST_PAUSE_S, 0.0
        while True:
            self._changed.wait(wait)
            if wait == HEARTBEAT_S:
                self._leaving.wait(SETTLE_S)
            self._changed.clear()
            last = self._state is State.STOPPED
            if self._tell():
                pause, wait = FIRST_PAUSE_S, HEARTBEAT_S
            else:
                wait, pause = pause, min(2 * pause, HEARTBEAT_S)
            if last:
                return

    def _tell(self) -> bool:
        with self._idle:
            running = [attempt.claim.job_id for attempt in self._running]
        state = {
            "name": self.name,
            "queues": self._queues,
            "slots": self._slots,
            "running": running,
            "sandbox": self._sandbox.name,
            "state": str(self._state),
            "started_at": self._started_at,
        }
        try:
            self._client.heartbeat(state)
        except NotOurs as error:
            why = "the grader does not take this worker's token: give both the same GRADER_WORKER_TOKEN"
            self._log.error(why if error.status == 401 else str(error))
        except (GraderDown, NotUnderstood) as error:
            self._log.warning("heartbeat not heard", why=str(error))
        else:
            self._touch()
            return True
        return False

    def _touch(self) -> None:
        try:
            if self._pulse is not None:
                self._pulse.touch()
        except OSError as error:
            self._log.warning("no pulse", why=str(error))
