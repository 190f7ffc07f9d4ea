"""Which core each guest runs on: one alone, so that what it does with it is nobody else's loss.

A job's further guests run in the background, on cores that are idle: what they do there is no loss to who comes next.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Collection, Set


class Cores:
    """Counts the guests that work on each of `count` cores. Safe to use from many threads.

    A core of None is any core: all that there is where one core or one job at a time leaves nothing to divide.
    """

    def __init__(self, cores: Collection[int], slots: int) -> None:
        divided = len(cores) > 1 and slots > 1
        self.count = len(cores)
        self._working: dict[int | None, int] = dict.fromkeys(sorted(cores) if divided else [None], 0)
        self._behind = dict(self._working)
        self._lock = threading.Lock()

    @property
    def idle(self) -> int:
        """On how many cores nobody works."""
        with self._lock:
            return max(0, self.count - sum(self._working.values()) - sum(self._behind.values()))

    def enter(self, waiting: Collection[int | None] = (), *, background: bool = False) -> int | None:
        """A guest begins to work: the core with the fewest that do, if possible one on which somebody is `waiting`.

        Those in the background count for others of their kind alone, and begin at the other end.
        """
        with self._lock:
            core = min(
                self._from(background),
                key=lambda one: (self._working[one] + self._behind[one] * background, one not in waiting),
            )
            (self._behind if background else self._working)[core] += 1
            return core

    def leave(self, core: int | None, *, background: bool = False) -> None:
        """It has ended."""
        with self._lock:
            (self._behind if background else self._working)[core] -= 1

    def for_waiting(self, waiting: Collection[int | None], *, background: bool = False) -> int | None:
        """Where one more had best wait, for whoever comes next: first where nobody is `waiting`, then nobody works."""
        there = Counter(waiting)
        with self._lock:
            return min(self._from(background), key=lambda one: (there[one], self._working[one]))

    def _from(self, background: bool) -> list[int | None]:
        """The cores in the order of preference: so that a job's guests, which come together, meet those who wait."""
        return list(reversed(self._working)) if background else list(self._working)


def usable() -> Set[int]:
    """The cores that this process may use, and with it what it starts."""
    if sys.platform == "linux":
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
