"""Celery, set up once for whoever sends and whoever works: a doorbell that carries a job's id and nothing else.

The store is the truth. So there is no result backend, no schedule, no retry by the broker, no remote control; what
the broker loses is offered again, and what it delivers twice can be claimed only once.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

TASK = "grader.grade"
QUEUES = ("cpu", "gpu")
#: kombu's broker in memory looks for messages again and again; ours is woken up.
IN_MEMORY = "worker.doorbell:Transport"


def _queue(name: str) -> Any:
    """A queue with a route of its own: left out, every queue gets the default one's, and all get every message."""
    return Queue(name, Exchange(name, type="direct"), routing_key=name)  # type: ignore[no-untyped-call]


_SETTINGS: dict[str, Any] = {
    "task_ignore_result": True,
    # acknowledged after the run: a message that a killed worker held comes back, if only after its time
    "task_acks_late": True,
    "worker_prefetch_multiplier": 1,
    # attempts are counted in the store, which also ends a job that kills its workers
    "task_reject_on_worker_lost": False,
    "task_retry_on_worker_lost": False,
    # a run goes on without the broker; its lease makes a doubled message harmless
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_queues": [_queue(name) for name in QUEUES],
    "task_default_queue": QUEUES[0],
    "task_create_missing_queues": False,
    "task_serializer": "json",
    "accept_content": ["json"],
    # a worker waits for its broker for ever; a sender does not: the job is offered again later
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    # a task only watches over a sandbox, so threads do; and nobody may steer workers through the broker
    "worker_pool": "threads",
    "worker_enable_remote_control": False,
    # a worker inside another program leaves that program's logs and output alone
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
}
# seconds; a message that nobody acknowledged comes back after `visibility_timeout`, longer than any run
_REDIS = {
    "visibility_timeout": 7200,
    "health_check_interval": 25,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "global_keyprefix": "grader:",
}


def celery_app(broker_url: str) -> Celery:
    """The Celery application over that broker: `memory://` within one process, `redis://…` between machines."""
    # without a host, Celery warns at each connection that it takes this one
    broker = "memory://localhost/" if is_memory(broker_url) else broker_url
    app = Celery("grader", broker=broker, set_as_current=False)
    app.conf.update(_SETTINGS)
    if is_redis(broker_url):
        app.conf.update(broker_transport_options=dict(_REDIS), worker_disable_prefetch=True)
    elif is_memory(broker_url):
        app.conf.update(broker_transport=IN_MEMORY)
    return app


def is_redis(broker_url: str) -> bool:
    """Whether that is a Redis, plain, over TLS, by socket or by sentinel."""
    return broker_url.partition(":")[0] in ("redis", "rediss", "redis+socket", "sentinel")


def is_memory(broker_url: str) -> bool:
    """Whether messages stay in this process."""
    return broker_url.partition(":")[0] == "memory"


def register(app: Celery, grade: Callable[[str], None]) -> None:
    """Have the workers of `app` in this process call `grade` with the id of each job they are woken up for."""

    def task(job_id: str) -> None:
        grade(job_id)

    app.task(name=TASK, shared=False)(task)  # shared, it would be every other application's too
