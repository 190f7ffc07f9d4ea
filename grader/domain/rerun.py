"""A rerun: chosen submissions graded again under one spec, looked at before anything counts, and undone at will.

    running ─► ready ─► applied ─► reverted
       │         └────► discarded
       └──► cancelled

A submission's score is that of one job, the job that counts. A rerun's jobs count for nothing until it is applied.
Applying moves a submission to its new job only if what counted when the rerun began still counts: whoever was graded
anew in the meantime keeps that. Reverting moves back only what still is where the rerun put it. New submissions are
never touched by either.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from grader.domain.job import JobState
from grader.domain.report import Verdict

#: Instead of a verdict: any but passed, which is what being stuck on a test looks like.
NOT_PASSED = "not_passed"


class RerunState(StrEnum):
    """Where a rerun is."""

    RUNNING = "running"
    READY = "ready"
    APPLIED = "applied"
    DISCARDED = "discarded"
    REVERTED = "reverted"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Selection:
    """Which submissions of a lab: each person's one that counts, or their newest (`newest`), narrowed by what is set.

    `test` with `verdict` (or NOT_PASSED) or `cause` narrows by how that test ended; `no_result` to those that never got
    a score. `submission_id` chooses one alone.
    """

    lab: str
    newest: bool = False
    test: str = ""
    verdict: str = ""
    cause: str = ""
    login: str = ""
    section: str = ""
    no_result: bool = False
    submission_id: str = ""

    def accepts(self, verdict: str) -> bool:
        """Whether the named test may have ended so."""
        if self.verdict == NOT_PASSED:
            return verdict != Verdict.PASSED
        return self.verdict in ("", verdict)


@dataclass(frozen=True)
class Chosen:
    """A submission that a selection found, with the job that counts, empty if none does."""

    submission_id: str
    person_id: int
    digest: str
    counted_job_id: str


@dataclass(frozen=True)
class Rerun:
    """One rerun. `done` of `items` jobs have ended. Times are seconds since 1970."""

    id: str
    course: str
    lab: str
    spec_digest: str
    selection: Selection
    never_lower: bool
    note: str
    by: str
    created_at: float
    state: RerunState
    ended_at: float | None = None
    items: int = 0
    done: int = 0


class Direction(StrEnum):
    """What a rerun does to one submission's score."""

    UP = "up"
    DOWN = "down"
    SAME = "same"
    UNSETTLED = "unsettled"  # inconclusive, failed, or given up: what counts stays


@dataclass(frozen=True)
class Item:
    """One submission in a rerun: points and per-test points before and after; None where there is no score.

    `moved_on`: something else counts by now, so that applying leaves it alone. `applied`: it counts by this rerun.
    `before_job_id` is the job that counted when the rerun began, empty if none did; `job_id` is the rerun's own.
    """

    submission_id: str
    person_id: int
    login: str
    name: str
    job_id: str
    job_state: str
    before: int | None
    after: int | None
    tests_before: Mapping[str, int] = field(hash=False)
    tests_after: Mapping[str, int] = field(hash=False)
    unsettled: bool = False
    moved_on: bool = False
    applied: bool = False
    before_job_id: str = ""


@dataclass(frozen=True)
class Preview:
    """What applying would do. Each submission is in one of `counts`, `kept`, `moved_on` or `pending`.

    `tests`: by test, in the lab's order, how many gain and how many lose points for it, of those that would move.
    """

    counts: Mapping[Direction, int] = field(hash=False)
    tests: tuple[tuple[str, int, int], ...] = ()
    kept: int = 0  # would go down, but the rerun never lowers
    moved_on: int = 0
    pending: int = 0  # not graded yet


@dataclass(frozen=True)
class Move:
    """What an applied rerun did to one submission, for who reads its result. `at` is when it counted, or was undone.

    Points per test go with the sums, so that hidden tests can be left out of what a student reads.
    """

    rerun_id: str
    at: float
    note: str
    before: int | None
    after: int | None
    tests_before: Mapping[str, int] = field(hash=False)
    tests_after: Mapping[str, int] = field(hash=False)
    reverted: bool = False

    def without(self, hidden: Sequence[str]) -> Self:
        """The same as who may not see these tests reads it."""
        return replace(
            self,
            before=_less(self.before, self.tests_before, hidden),
            after=_less(self.after, self.tests_after, hidden),
            tests_before={name: points for name, points in self.tests_before.items() if name not in hidden},
            tests_after={name: points for name, points in self.tests_after.items() if name not in hidden},
        )


class Fate(StrEnum):
    """What applying would do with one submission."""

    MOVES = "moves"
    STAYS = "stays"  # unsettled
    KEPT = "kept"
    MOVED_ON = "moved_on"
    PENDING = "pending"


def direction(item: Item) -> Direction:
    """What the rerun says about one submission. Without a score before, it counts as having had no points."""
    if item.unsettled or item.after is None:
        return Direction.UNSETTLED
    before = item.before or 0
    if item.after == before:
        return Direction.SAME
    return Direction.UP if item.after > before else Direction.DOWN


def fate(item: Item, *, never_lower: bool) -> Fate:
    """What applying would do with it; after that, what it has done."""
    if item.moved_on:
        return Fate.MOVED_ON
    if not JobState(item.job_state).final:
        return Fate.PENDING
    found = direction(item)
    if found is Direction.UNSETTLED:
        return Fate.STAYS
    return Fate.KEPT if never_lower and found is Direction.DOWN else Fate.MOVES


def preview(items: Sequence[Item], *, never_lower: bool) -> Preview:
    """The sums over all of them."""
    fates = [fate(item, never_lower=never_lower) for item in items]
    told = Counter(fates)
    moving = [item for item, its in zip(items, fates, strict=True) if its is Fate.MOVES]
    directions = Counter(direction(item) for item in moving)
    directions[Direction.UNSETTLED] = told[Fate.STAYS]
    return Preview(
        counts={each: directions[each] for each in Direction},
        tests=_per_test(moving),
        kept=told[Fate.KEPT],
        moved_on=told[Fate.MOVED_ON],
        pending=told[Fate.PENDING],
    )


def _less(points: int | None, tests: Mapping[str, int], hidden: Sequence[str]) -> int | None:
    return None if points is None else points - sum(tests.get(name, 0) for name in hidden)


def _per_test(items: Sequence[Item]) -> tuple[tuple[str, int, int], ...]:
    """A test that only one of the two specs has is worth nothing under the other."""
    gains: Counter[str] = Counter()
    losses: Counter[str] = Counter()
    names: dict[str, None] = {}
    for item in items:
        names.update(dict.fromkeys((*item.tests_after, *item.tests_before)))
        for name in {*item.tests_after, *item.tests_before}:
            before, after = item.tests_before.get(name, 0), item.tests_after.get(name, 0)
            gains[name] += after > before
            losses[name] += after < before
    return tuple((name, gains[name], losses[name]) for name in names)
