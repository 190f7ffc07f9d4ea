"""The broker in memory wakes whoever waits: nobody looks again and again."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Consumer, Exchange, Queue

from worker.broker import IN_MEMORY
from worker.doorbell import BELL

#: Longer than any test waits: whoever is not woken up fails.
LONG_S = 30.0


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> Any:
    """A queue of this test's own."""
    name = f"doorbell-{request.node.name}"
    return Queue(name, Exchange(name, type="direct"), routing_key=name)  # type: ignore[no-untyped-call]


@pytest.fixture
def connection() -> Iterator[Connection]:
    """To the broker in memory."""
    with Connection("memory://localhost/", transport=IN_MEMORY) as found:
        yield found


def send(connection: Connection, queue: Any, text: str) -> None:
    with connection.Producer() as producer:
        producer.publish(text, exchange=queue.exchange, routing_key=queue.routing_key, declare=[queue])


def until(connection: Connection, got: list[Any], many: int) -> None:
    """Drain as Celery's loop does. The bell may ring for nothing, so it is asked a few times."""
    began = time.monotonic()
    while len(got) < many and time.monotonic() - began < LONG_S:
        try:
            connection.drain_events(timeout=LONG_S)
        except TimeoutError:
            continue
    assert len(got) >= many


def test_whoever_waits_is_woken_by_a_message(connection: Connection, queue: Any) -> None:
    got: list[Any] = []
    with Consumer(connection.channel(), [queue], callbacks=[lambda body, message: got.append(body)]):
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.01)
        waiting = threading.Thread(target=until, args=(connection, got, 1))
        waiting.start()
        began = time.monotonic()
        with Connection("memory://localhost/", transport=IN_MEMORY) as other:
            send(other, queue, "first")
        waiting.join(LONG_S)
    assert got == ["first"]
    assert time.monotonic() - began < LONG_S / 3


def test_several_messages_come_without_a_wait(connection: Connection, queue: Any) -> None:
    got: list[Any] = []
    for text in ("first", "second", "third"):
        send(connection, queue, text)
    with Consumer(connection.channel(), [queue], callbacks=[lambda body, message: got.append(body)], no_ack=True):
        until(connection, got, 3)
    assert got == ["first", "second", "third"]


def test_a_message_that_is_done_makes_room_for_the_next_at_once(connection: Connection, queue: Any) -> None:
    """As in a worker all of whose slots are taken: the one that waits comes when one of them ends."""
    got: list[Any] = []
    messages: list[Any] = []
    for text in ("first", "second"):
        send(connection, queue, text)

    def take(body: str, message: Any) -> None:
        got.append(body)
        messages.append(message)

    with Consumer(connection.channel(), [queue], callbacks=[take]) as consumer:
        consumer.qos(prefetch_count=1)
        until(connection, got, 1)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.01)
        waiting = threading.Thread(target=until, args=(connection, got, 2))
        waiting.start()
        began = time.monotonic()
        messages[0].ack()
        waiting.join(LONG_S)
        messages[1].ack()
    assert got == ["first", "second"]
    assert time.monotonic() - began < LONG_S / 3


def test_a_bell_that_rang_before_anybody_listened_is_heard(connection: Connection, queue: Any) -> None:
    with Consumer(connection.channel(), [queue], callbacks=[]):
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.01)
        BELL.ring()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=LONG_S)
    assert time.monotonic() - began < LONG_S / 3
