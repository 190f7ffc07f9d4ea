"""Counts what should be rare, per key, in a sliding window. In memory: a restart forgets, several processes add up."""

import threading
import time
from collections import deque

MOST_KEYS = 10_000


class Throttle:
    """At most `most` times in `seconds` for one key."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, key: str) -> float:
        """Count one more; 0 if that is within bounds, else the seconds until it would be again."""
        now = time.monotonic()
        with self._lock:
            if len(self._times) >= MOST_KEYS:
                self._forget(now)
            times = self._times.setdefault(key, deque(maxlen=self._most))
            wait = times[0] + self._seconds - now if len(times) == self._most else 0.0
            times.append(now)
        return max(0.0, wait)

    def _forget(self, now: float) -> None:
        self._times = {key: times for key, times in self._times.items() if times[-1] > now - self._seconds}
        if len(self._times) >= MOST_KEYS:
            self._times.clear()
