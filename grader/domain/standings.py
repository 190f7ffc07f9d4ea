"""Where everybody stands: which submission counts under the course's rules, and what it is worth.

Hidden tests: until a lab is due, students must not learn of them, and which submission counts tells of them as their
points do. So each standing also holds what is left without them (`open`), chosen as if they did not exist.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from grader.domain.job import JobState
from grader.domain.marks import TestMark
from grader.domain.policy import Counts, CourseRules, Late, Policy

SPARK = 30


@dataclass(frozen=True)
class Entry:
    """One submission as it is scored now; `points` is None where it has no score. `hidden_points` are those of tests
    that students may not see yet. `state` is that of the job that is shown, `job_id` the job that counts, if any."""

    submission_id: str
    job_id: str
    number: int
    created_at: float
    state: JobState
    points: int | None = None
    max_points: int = 0
    hidden_points: int = 0


@dataclass(frozen=True)
class Open:
    """What is left of a standing without its hidden tests, before it is due."""

    points: int | None
    submission_id: str
    job_id: str
    spark: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One person in one lab. `points` are after late penalties, `raw_points` before; None before the first score.

    `submission_id` and `job_id` are what counts, empty if nothing does. `spark` are the raw points of the newest
    scored submissions, oldest first. `state` is that of the newest submission, queued while it is offered. `late_days`
    are those of the one that counts, and `free_days` how many of them cost nothing. `open` is set in a lab with hidden
    tests: see `without_hidden`.
    """

    course: str
    lab: str
    person_id: int
    points: int | None
    raw_points: int | None
    max_points: int
    hidden_points: int
    late_days: int
    submission_id: str
    job_id: str
    attempts: int
    state: JobState
    last_at: float
    spark: tuple[int, ...] = ()
    free_days: int = 0
    open: Open | None = None

    def without_hidden(self) -> "Standing":
        """The same as who may not see the hidden tests yet reads it. Before it is due nothing is late."""
        if self.open is None:
            return self
        left = self.open
        return replace(
            self, points=left.points, raw_points=left.points, hidden_points=0, late_days=0, free_days=0, open=None,
            submission_id=left.submission_id, job_id=left.job_id, spark=left.spark,
        )  # fmt: skip


@dataclass(frozen=True)
class Total:
    """One person over all labs of a course; `max_points` of those with a score."""

    points: int
    max_points: int
    late_days_used: int


@dataclass(frozen=True)
class Row:
    """A line of the scoreboard: a person with their standings by lab. `alias` is how the public board names them.

    `version` grows whenever a cell or the total changes: what was drawn of them can be kept until then.
    """

    person_id: int
    login: str
    name: str
    section: str
    alias: str
    listed: bool
    total: Total
    cells: Mapping[str, Standing] = field(hash=False)
    version: int = 0

    def without_hidden(self, labs: Collection[str]) -> Self:
        """The same as who may not see the hidden tests of `labs` yet reads it, its total too."""
        veiled = {lab: cell.without_hidden() for lab, cell in self.cells.items() if lab in labs and cell.open}
        less = sum((self.cells[lab].points or 0) - (cell.points or 0) for lab, cell in veiled.items())
        return replace(self, total=replace(self.total, points=self.total.points - less), cells={**self.cells, **veiled})


class Page(NamedTuple):
    """Lines of a scoreboard, how many there are in all, and the sections that students of the course are in."""

    rows: list[Row]
    everybody: int
    sections: list[str]


@dataclass(frozen=True)
class Marks:
    """One person's tests in one lab, for the heat map and the error groups. `solved_s`: seconds from their first
    submission to the first that passed each test, by test."""

    person_id: int
    login: str
    name: str
    section: str
    submission_id: str
    points: int | None
    tests: tuple[TestMark, ...]
    solved_s: Mapping[str, float] = field(hash=False)


def stand(course: str, lab: str, person_id: int, entries: Sequence[Entry], policy: Policy) -> Standing | None:
    """Where somebody stands by all their submissions for a lab, in any order; None before the first.

    Late work is worth what is left after the penalty, without free days: those are spent by `spend`.
    """
    if not entries:
        return None
    ordered = sorted(entries, key=_age)
    newest, counts = ordered[-1], _counting(ordered, policy)
    days = 0 if counts is None else policy.days_late(counts.created_at)
    raw = None if counts is None else counts.points
    return Standing(
        course=course,
        lab=lab,
        person_id=person_id,
        points=None if raw is None else policy.late.left(raw, days),
        raw_points=raw,
        max_points=counts.max_points if counts else 0,
        hidden_points=counts.hidden_points if counts else 0,
        late_days=days,
        submission_id=counts.submission_id if counts else "",
        job_id=counts.job_id if counts else "",
        attempts=len(ordered),
        state=JobState.QUEUED if newest.state is JobState.OFFERED else newest.state,
        last_at=newest.created_at,
        spark=_spark(ordered),
        open=_open(ordered, policy) if policy.hidden else None,
    )


def spend(standings: Sequence[Standing], rules: CourseRules) -> list[Standing]:
    """One person's standings with their free late days spent, in the order of the due times; doing it twice changes
    nothing. A day that would buy no point is kept."""
    left = rules.late_days
    spent: dict[str, Standing] = {}
    for one in sorted(standings, key=lambda one: _due(one.lab, rules)):
        late = rules.of(one.lab).late
        free = _worth_spending(one, late, left)
        left -= free
        points = None if one.raw_points is None else late.left(one.raw_points, one.late_days - free)
        spent[one.lab] = replace(one, points=points, free_days=free)
    return [spent[one.lab] for one in standings]


def total(standings: Sequence[Standing], rules: CourseRules) -> Total:
    """The sum over one person's labs, with free late days spent in the order of the due times."""
    spent = spend(standings, rules)
    return Total(
        points=sum(one.points or 0 for one in spent),
        max_points=sum(one.max_points for one in spent),
        late_days_used=sum(one.free_days for one in spent),
    )


def _age(entry: Entry) -> tuple[float, int, str]:
    return entry.created_at, entry.number, entry.submission_id


def _counting(entries: Sequence[Entry], policy: Policy) -> Entry | None:
    """The one that counts of entries from old to new; of equally good ones the first."""
    scored = [entry for entry in entries if entry.points is not None]
    if policy.counts is Counts.AT_DEADLINE:
        scored = [entry for entry in scored if policy.days_late(entry.created_at) == 0]
    if policy.counts is Counts.BEST:
        return max(scored, key=lambda entry: _worth(entry, policy), default=None)
    return scored[-1] if scored else None


def _worth(entry: Entry, policy: Policy) -> int:
    return policy.late.left(entry.points or 0, policy.days_late(entry.created_at))


def _spark(entries: Sequence[Entry]) -> tuple[int, ...]:
    return tuple(entry.points for entry in entries if entry.points is not None)[-SPARK:]


def _open(entries: Sequence[Entry], policy: Policy) -> Open:
    bare = [e if e.points is None else replace(e, points=e.points - e.hidden_points) for e in entries]
    counts = _counting(bare, policy)
    if counts is None:
        return Open(None, "", "", _spark(bare))
    return Open(_worth(counts, policy), counts.submission_id, counts.job_id, _spark(bare))


def _due(lab: str, rules: CourseRules) -> tuple[bool, float, str]:
    due = rules.of(lab).due_at
    return due is None, due or 0.0, lab


def _worth_spending(one: Standing, late: Late, left: int) -> int:
    """The fewest free days that buy the most points of at most `left`."""
    if one.raw_points is None:
        return 0
    offers = [late.left(one.raw_points, one.late_days - free) for free in range(min(left, one.late_days) + 1)]
    return offers.index(max(offers))
