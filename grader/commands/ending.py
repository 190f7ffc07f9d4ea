"""SIGINT and SIGTERM, heard whatever this program's threads do: the first asks it to end, the next ends it."""

import os
import signal
import socket
import threading
from types import TracebackType
from typing import Self

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Listens from `wait` or `begin` on, in a thread of its own, until it is closed; for the main thread alone.

    The kernel gives a signal to any thread of a program, and Python runs its handlers in the main thread, which
    nothing wakes where it waits for a lock: on a busy machine that is a SIGTERM nobody hears.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._listening, self._told = socket.socketpair()
        self._told.setblocking(False)  # as Python asks for
        self._before: dict[int, signal.Handlers | object] = {}
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what it was
        if self._before:
            signal.set_wakeup_fd(-1)
        self._told.close()
        if self._before:
            self._thread.join()
        self._listening.close()

    def wait(self) -> None:
        """Until asked to end."""
        self._hear()
        self._asked.wait()

    def begin(self) -> None:
        """It ends, whoever asked: from here on a signal does not wait for it."""
        self._asked.set()
        self._hear()

    def _hear(self) -> None:
        if not self._before:
            self._thread.start()
            signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
            self._before = {number: signal.signal(number, lambda *_: None) for number in NUMBERS}

    def _listen(self) -> None:
        while heard := self._listening.recv(64):
            for number in heard:
                if number not in NUMBERS:
                    continue
                if self._asked.is_set():
                    os._exit(128 + number)  # waiting for no thread: whatever runs is found again by its lease
                self._asked.set()
