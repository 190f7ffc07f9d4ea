"""The worker's Celery application, for `celery -A worker.tasks worker -Q cpu --pool=threads -c 4` on any machine."""

from worker.program import main, worker_app
from worker.settings import BadSettings, read_settings

__all__ = ["app", "main"]

try:
    app = worker_app(read_settings().distant_broker())
except BadSettings as error:
    raise SystemExit(str(error)) from None
