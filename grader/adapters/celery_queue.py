"""Wakes workers up through Celery. The message is a job's id and nothing else."""

from celery import Celery
from kombu.exceptions import OperationalError

from grader.domain.errors import QueueDown

_ONCE = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.1, "interval_max": 0.1}


class CeleryQueue:
    """Satisfies `Queue`. `app` says where the broker is and how it is spoken to, `task` what workers listen for."""

    def __init__(self, app: Celery, task: str) -> None:
        self._app = app
        self._task = task

    def offer(self, job_id: str, queue: str) -> None:
        """See `Queue`. Gives up soon: the dispatcher comes again in a second."""
        try:
            self._app.send_task(
                self._task, args=[job_id], queue=queue, retry=True, retry_policy=_ONCE, ignore_result=True
            )
        except (OperationalError, OSError) as error:
            raise QueueDown(f"the broker does not answer: {str(error)[:200]}") from error

    def works(self) -> bool:
        """See `Queue`."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0.1, timeout=2)
        except (OperationalError, OSError):
            return False
        return True
