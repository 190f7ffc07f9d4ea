"""Celery's broker in memory with a doorbell: whoever waits for a message wakes up when one comes.

kombu's own looks again every few milliseconds, which is what an idle worker would cost each submission.
"""

import threading
from queue import Empty
from typing import Any

from kombu.transport import memory


class Bell:
    """Counts how often it was rung, and lets others wait for the next time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rung = 0

    @property
    def rung(self) -> int:
        """How often so far."""
        with self._changed:
            return self._rung

    def ring(self) -> None:
        """There is something to look for. From any thread."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, rung: int, seconds: float | None) -> None:
        """Until it has been rung more often than `rung` times, or so many seconds have passed; None: for ever."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung > rung, seconds)


#: One for the process, as its queues in memory are.
BELL = Bell()


class Channel(memory.Channel):
    """Rings where a message comes, and where one that is done makes room for the next."""

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        super()._put(queue, message, **options)  # type: ignore[no-untyped-call]
        BELL.ring()

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """A message is done."""
        super().basic_ack(delivery_tag, multiple)  # type: ignore[no-untyped-call]
        BELL.ring()

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """A message is not wanted."""
        super().basic_reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]
        BELL.ring()


class Transport(memory.Transport):
    """Messages between the threads of this process."""

    Channel = Channel

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)  # type: ignore[no-untyped-call]
        self._heard = -1

    def drain_events(self, connection: Any, timeout: float | None = None, **options: Any) -> None:
        """Deliver one message. Raises TimeoutError where none came, or where the bell rang for another reason.

        Then Celery's loop looks around, and comes back: nothing that rang before the last look is waited for.
        """
        rung = BELL.rung
        assert self.cycle is not None, "kombu makes it with the transport"
        try:
            self.cycle.get(self._deliver, timeout=timeout)  # type: ignore[no-untyped-call]
        except Empty:
            if rung == self._heard:
                BELL.wait(rung, timeout)
            self._heard = rung
            raise TimeoutError from None
