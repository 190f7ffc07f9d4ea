"""Who measures on a device: one at a time, of all processes and threads that share a folder."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.engine.errors import EngineError
from worker.engine.measuring import Left

#: How often another process's lock is tried and `left` is asked, in seconds: neither can wake anybody.
LOOK_S = 0.25
OnWait = Callable[[int], None]
"""Told how many are ahead, when that changes; another process that measures counts as one."""


class Lease:
    """The right to a device. Safe to use from many threads; ends with the process that has it, however that ends."""

    def __init__(self, folder: Path, device: str) -> None:
        self._file = folder / f"{''.join(c if c.isalnum() or c in '-_' else '-' for c in device)}.lock"
        self._turn = threading.Condition()
        self._waiting: list[object] = []

    @contextmanager
    def held(self, left: Left, on_wait: OnWait = lambda ahead: None) -> Iterator[None]:
        """Wait for it, in the order of coming; inside it is ours. Raises Stopped, EngineError."""
        me = object()
        lock = self._opened()
        try:
            with self._turn:
                self._waiting.append(me)
            self._wait(me, lock, left, on_wait)
            yield
        finally:
            os.close(lock)  # and unlocked with it
            with self._turn:
                self._waiting.remove(me)
                self._turn.notify_all()

    def _wait(self, me: object, lock: int, left: Left, on_wait: OnWait) -> None:
        told = 0
        while True:
            left()
            with self._turn:
                ahead = self._waiting.index(me)
            if ahead == 0 and _locked(lock):
                return
            if told != max(1, ahead):
                told = max(1, ahead)
                on_wait(told)
            with self._turn:
                if self._waiting.index(me) == ahead:
                    self._turn.wait(LOOK_S)

    def _opened(self) -> int:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EngineError(f"the device's lock cannot be opened: {self._file}: {error.strerror}") from None


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
