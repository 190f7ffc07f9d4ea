"""A worker as a program of its own: Celery's, with a shift from its start to its end."""

import signal
import threading
import warnings
from collections.abc import Sequence
from typing import Any

import structlog
from celery import Celery, bootsteps, signals
from celery.exceptions import SecurityWarning

from worker.broker import celery_app, register
from worker.client import GraderClient
from worker.measuring import engines
from worker.sandbox import Sandbox, SandboxError
from worker.sandbox.kinds import choose
from worker.settings import BadSettings, WorkerSettings, read_settings, worker_name
from worker.shift import END_S, Shift
from worker.warm.pool import Warm

#: How long a signal may go unheard while runs are let end; seconds.
HEAR_S = 0.5

log = structlog.get_logger(__name__)


class ShiftStep(bootsteps.StartStopStep):  # type: ignore[misc] # Celery has no types
    """Joins a Celery worker with a shift: it begins when the worker starts, drains when that closes.

    A worker that cannot grade does not start: SystemExit tells what to change.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._interrupted = False
        self._drain: Any = None
        if not worker.pool_cls.__module__.endswith(("thread", "solo")):
            raise SystemExit("a worker's runs are threads: start it with --pool=threads")
        try:
            settings = read_settings()
            token = settings.token()
            self._engines = engines(settings.home)
        except BadSettings as error:
            raise SystemExit(str(error)) from None
        self._client = GraderClient(settings.url, token)
        queues = list(worker.app.amqp.queues.consume_from)
        slots = worker.concurrency
        self._warm = Warm(_sandbox(settings), slots)
        self._shift = Shift(self._client, self._warm, worker_name(), queues, slots, settings.pulse, self._engines)
        register(worker.app, self._shift.grade)
        log.info("worker", worker=self._shift.name, queues=queues, slots=worker.concurrency, grader=settings.url)

    def include(self, parent: Any) -> None:
        """Be one of the worker's parts."""
        parent.steps.append(self)

    def start(self, parent: Any) -> None:
        """Begin. Celery has set up its signals: SIGTERM drains; the others would end threads, which it cannot."""
        self._drain = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGQUIT, self._quit)
        signal.signal(signal.SIGINT, self._interrupt)
        self._shift.start()

    def close(self, parent: Any) -> None:
        """The worker takes nothing new."""
        self._shift.drain()

    def stop(self, parent: Any) -> None:
        """The worker waits for what runs."""
        while not self._shift.wait(HEAR_S):
            pass  # a signal that the kernel gave to another thread is heard between two waits, not in one
        self._shift.close()
        self._leave()

    def terminate(self, parent: Any) -> None:
        """The worker does not wait."""
        self._shift.abandon()
        self._shift.close(END_S)
        self._leave()

    def _leave(self) -> None:
        self._client.close()
        self._warm.close()
        if self._engines is not None:
            self._engines.close()

    def _quit(self, number: int, frame: Any) -> None:
        """Kill what runs, and drain. From another thread: a signal's handler must not wait for a lock."""
        threading.Thread(target=self._shift.abandon, name="abandon", daemon=True).start()
        self._drain(number, frame)

    def _interrupt(self, number: int, frame: Any) -> None:
        """Ctrl-C: drain; at the second, kill what runs."""
        if self._interrupted:
            self._quit(number, frame)
        else:
            self._interrupted = True
            self._drain(number, frame)


def worker_app(broker_url: str) -> Celery:
    """The Celery application of a worker program."""
    app = celery_app(broker_url)
    app.steps["worker"].add(ShiftStep)
    return app


def main(queues: Sequence[str] | None = None, slots: int | None = None) -> int:
    """Work until told to stop (SIGTERM, Ctrl-C); the exit code. Arguments go before settings.

    The program's own logging stays as it is. Raises SystemExit, with what to change, where it cannot grade.
    """
    try:
        settings = read_settings()
        app = worker_app(settings.distant_broker())
    except BadSettings as error:
        raise SystemExit(str(error)) from None
    signals.setup_logging.connect(_keep_logging, weak=False)
    with warnings.catch_warnings():
        # a worker started by root gives each sandbox a user of its own, and reads JSON alone
        warnings.simplefilter("ignore", SecurityWarning)
        worker = app.Worker(
            hostname=f"grader@{worker_name()}",
            queues=list(queues or settings.queue_names()),
            concurrency=slots or settings.slots,
            pool="threads",
            quiet=True,
            without_gossip=True,
            without_mingle=True,
        )
    worker.start()
    return int(worker.exitcode or 0)


def _keep_logging(**told: Any) -> None:
    """Being connected is all: Celery then sets nothing up."""


def _sandbox(settings: WorkerSettings) -> Sandbox:
    try:
        return choose(settings.sandbox, settings.docker_runtime)
    except SandboxError as error:
        raise SystemExit(f"{error}\n    fix: {error.fix}" if error.fix else str(error)) from None
