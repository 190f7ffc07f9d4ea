"""How Celery is set up, and that it is Celery that knows the settings."""

import pytest
from celery.app import defaults

from worker import doorbell
from worker.broker import QUEUES, TASK, celery_app, register

REDIS = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("url", ["memory://", REDIS])
def test_every_setting_is_one_that_celery_has(url: str) -> None:
    known = {name for name, _ in defaults.flatten(defaults.NAMESPACES)}
    ours = set(celery_app(url).conf.changes) - {"deprecated_settings"}  # its own note
    assert ours
    assert ours <= known


def test_only_redis_gets_what_only_redis_understands() -> None:
    conf = celery_app(REDIS).conf
    assert conf.worker_disable_prefetch
    assert conf.broker_transport_options["visibility_timeout"] == 7200
    assert conf.broker_transport_options["global_keyprefix"] == "grader:"
    conf = celery_app("memory://").conf
    assert not conf.worker_disable_prefetch
    assert conf.broker_transport_options == {}
    with celery_app("memory://").connection_for_write() as connection:
        assert isinstance(connection.transport, doorbell.Transport)


def test_a_message_reaches_its_own_queue_alone() -> None:
    queues = celery_app("memory://").amqp.queues
    routes = {name: (queue.exchange.name, queue.routing_key) for name, queue in queues.items()}
    assert routes == {name: (name, name) for name in QUEUES}


def test_nothing_but_json_is_read_and_nothing_is_kept() -> None:
    conf = celery_app(REDIS).conf
    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert not conf.worker_enable_remote_control
    assert not conf.task_create_missing_queues


def test_the_task_hands_the_job_id_on() -> None:
    got: list[tuple[str, str]] = []
    apps = {name: celery_app("memory://") for name in ("one", "other")}
    for name, app in apps.items():
        register(app, lambda job, name=name: got.append((name, job)))
    for app in apps.values():
        app.tasks[TASK]("job-1")
    assert got == [("one", "job-1"), ("other", "job-1")]
