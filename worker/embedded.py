"""A worker inside the grader's own process: the embedded default, over a broker in memory."""

import threading
from collections.abc import Sequence
from typing import Any

from celery import Celery

from worker.broker import register
from worker.doorbell import BELL
from worker.shift import Shift

#: Seconds a worker may take until it listens.
READY_S = 10.0


class EmbeddedWorker:
    """A Celery worker in a thread of its own. Signals, logs and output stay with the program around it.

    One at a time in a process: queues in memory are the whole process's, and so is the application of a task.
    """

    def __init__(self, app: Celery, shift: Shift, slots: int, queues: Sequence[str]) -> None:
        self._app = app
        self._shift = shift
        self._ready = threading.Event()
        self._begun = False
        register(app, shift.grade)
        self._worker: Any = app.WorkController(
            hostname=f"embedded@{shift.name}",
            pool="threads",
            concurrency=slots,
            queues=list(queues),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            ready_callback=lambda consumer: self._ready.set(),
        )
        self._thread = threading.Thread(target=self._run, name="embedded-worker", daemon=True)

    def start(self) -> None:
        """Start it; return when it listens. Raises RuntimeError if it does not."""
        self._begun = True
        self._app.set_default()
        self._shift.start()
        self._thread.start()
        self._ready.wait(READY_S)
        if not self._thread.is_alive() or not self._ready.is_set():
            raise RuntimeError("the embedded worker did not start; its log says why")

    def stop(self, timeout: float) -> None:
        """Let what runs end and be reported, for at most `timeout` seconds; what is left then is killed.

        The grader must still answer meanwhile: stop this before its web server. Safe to call twice.
        """
        if not self._begun:
            return
        self._begun = False
        self._shift.close(timeout)
        self._worker.signal_consumer_close()
        BELL.ring()  # its loop waits for messages: let it see that it is to end
        self._worker.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._worker.start()
        finally:
            self._ready.set()
