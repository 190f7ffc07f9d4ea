"""The rules of a course about time and attempts: when a lab opens and is due, what late work is worth, what counts.

They are read from course.toml, beside the labs and outside every spec digest: moving a deadline regrades nobody.
All times are seconds since 1970; a rule that is None is not there. A moment that a rule names belongs to what comes
before it: handed in at the due time is in time, at the closing time is taken, a day after the due time is one day late.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

DAY_S = 86_400.0


class Counts(StrEnum):
    """Which of a student's submissions is theirs: the best, the newest, or the newest handed in by the due time."""

    BEST = "best"
    LAST = "last"
    AT_DEADLINE = "at_deadline"


@dataclass(frozen=True)
class Cap:
    """At most `submissions` within any `window_s` seconds; those that cost no attempt are not counted."""

    submissions: int
    window_s: float

    def left(self, taken: Iterable[float], now: float) -> int:
        """How many may follow at `now`, when these were handed in already."""
        return max(0, self.submissions - len(self._recent(taken, now)))

    def free_at(self, taken: Iterable[float], now: float) -> float:
        """From when on one may follow: `now` where one is left."""
        recent = self._recent(taken, now)
        if len(recent) < self.submissions:
            return now
        return recent[-self.submissions] + self.window_s

    def _recent(self, taken: Iterable[float], now: float) -> list[float]:
        """Oldest first. One is over exactly `window_s` after it was handed in, in the very sum that `free_at` tells."""
        return sorted(moment for moment in taken if now < moment + self.window_s and moment <= now)


class CapReached(Exception):
    """No attempt is left: others were taken up since that was looked at last."""


@dataclass(frozen=True)
class Late:
    """What a day costs that begins after the due time: `percent` of the points, at most `most_percent` in all."""

    percent: int = 0
    most_percent: int = 100

    def penalty_percent(self, days: int) -> int:
        """For so many days late, 0 … 100."""
        return max(0, min(self.most_percent, self.percent * max(0, days), 100))

    def left(self, points: int, days: int) -> int:
        """What so many points are worth so many days late: whole points, rounded up in the student's favour."""
        return -(-points * (100 - self.penalty_percent(days)) // 100)


@dataclass(frozen=True)
class Policy:
    """The rules of one lab. `hidden` names tests whose results students see from the due time on."""

    opens_at: float | None = None
    due_at: float | None = None
    closes_at: float | None = None
    counts: Counts = Counts.BEST
    late: Late = field(default_factory=Late)
    cap: Cap | None = None
    hidden: tuple[str, ...] = ()
    groups: bool = False

    def extended(self, extra_s: float) -> Self:
        """The same rules for somebody whose due and closing times lie `extra_s` seconds later."""
        due, closes = self.due_at, self.closes_at
        return replace(
            self,
            due_at=None if due is None else due + extra_s,
            closes_at=None if closes is None else closes + extra_s,
        )

    def days_late(self, moment: float) -> int:
        """Days begun after the due time at `moment`; 0 where nothing is due."""
        if self.due_at is None or moment <= self.due_at:
            return 0
        return max(1, math.ceil((moment - self.due_at) / DAY_S))

    def hides(self, moment: float) -> tuple[str, ...]:
        """The tests whose results students may not see yet; all are shown where nothing is due."""
        return self.hidden if self.due_at is not None and moment < self.due_at else ()

    def not_open(self, moment: float) -> bool:
        """Whether it is too early to hand in."""
        return self.opens_at is not None and moment < self.opens_at

    def closed(self, moment: float) -> bool:
        """Whether it is too late to hand in."""
        return self.closes_at is not None and moment > self.closes_at


@dataclass(frozen=True)
class CourseRules:
    """The rules of a course. `late_days` are free days a student may spend over all labs before late work costs.

    `frozen_at`: from then on the public board shows nothing new. Labs without rules of their own have `default`.
    """

    default: Policy = field(default_factory=Policy)
    labs: tuple[tuple[str, Policy], ...] = ()
    late_days: int = 0
    frozen_at: float | None = None
    timezone: str = "UTC"

    def of(self, lab: str) -> Policy:
        """The rules of one lab."""
        return next((policy for name, policy in self.labs if name == lab), self.default)


@dataclass(frozen=True)
class Extension:
    """More time for one person in one lab: the due and closing times lie `extra_s` seconds later for them."""

    course: str
    lab: str
    person_id: int
    extra_s: float
    note: str
    by: str
    at: float


def extra_s(extensions: Sequence[Extension], lab: str, person_ids: Collection[int]) -> float:
    """The longest extension that any of these people has in a lab: whoever hands in together has it together."""
    found = (one.extra_s for one in extensions if one.lab == lab and one.person_id in person_ids)
    return max(found, default=0.0)
