"""A job: one submission to be graded under one spec. Its states, and which may follow which.

    queued ─► offered ─► running ─► graded | failed
      ▲          │          │
      └── offer lost,  lease lost or our fault: another attempt, or dead when there are none left
    cancelled and superseded end a job that nobody is running

The store is the truth of all this; a broker only wakes workers up. A worker owns a job from its claim on, as long as
it beats, and only under the attempt number it was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from grader.domain.errors import Fault
from grader.domain.marks import TestMark


class Lane(StrEnum):
    """Why a job is run, in the order in which lanes are served."""

    INTERACTIVE = "interactive"
    RERUN = "rerun"
    BULK = "bulk"


class JobState(StrEnum):
    """Where a job is. The last five are final: nothing follows."""

    QUEUED = "queued"
    OFFERED = "offered"
    RUNNING = "running"
    GRADED = "graded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in FINAL


FINAL = frozenset({JobState.GRADED, JobState.FAILED, JobState.DEAD, JobState.CANCELLED, JobState.SUPERSEDED})
WAITING = frozenset({JobState.QUEUED, JobState.OFFERED})
ACTIVE = frozenset({*WAITING, JobState.RUNNING})


@dataclass(frozen=True)
class Job:
    """One job as the store has it. Times are seconds since 1970 (UTC); `seed` is what the run's inputs come from.

    `attempt` counts claims, 0 before the first. `points` and `max_points` are set once it is graded; `fault` and
    `problem` say why it is not. `rerun_id` is the rerun it belongs to, empty for none.
    """

    id: str
    submission_id: str
    course: str
    lab: str
    person_id: int
    spec_digest: str
    queue: str
    lane: Lane
    seed: int
    max_attempts: int
    created_at: float
    state: JobState = JobState.QUEUED
    attempt: int = 0
    worker: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    cancel_requested: bool = False
    fault: Fault | None = None
    problem: str = ""
    sandbox: str = ""
    duration_s: float = 0.0
    points: int | None = None
    max_points: int | None = None
    rerun_id: str = ""


class Ending(StrEnum):
    """How one attempt ended."""

    RUNNING = "running"
    FINISHED = "finished"
    GIVEN_BACK = "given_back"  # the worker said that it could not: a fault of ours or the operator's
    LOST = "lost"  # its lease ran out without a word
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Attempt:
    """One claim of a job by a worker."""

    number: int
    worker: str
    started_at: float
    ended_at: float | None = None
    ending: Ending = Ending.RUNNING
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """What finishes a job: graded with a score, or failed by a `fault` that another attempt would not mend.

    A score comes with `detail`, how each test ended, and whether it `costs` an attempt where those are limited.
    `stages` are the seconds of those that the worker measured, and of the scoring.
    """

    state: JobState
    report: bytes | None = None
    points: int | None = None
    max_points: int | None = None
    per_test: tuple[tuple[str, int], ...] = ()
    fault: Fault | None = None
    problem: str = ""
    sandbox: str = ""
    duration_s: float = 0.0
    detail: tuple[TestMark, ...] = ()
    costs: bool = True
    stages: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Beat:
    """The answer to a sign of life: whether the worker still owns the job, and whether it should stop."""

    owned: bool
    cancel: bool


@dataclass(frozen=True)
class Lost:
    """A job whose lease ran out: `dead` when it had no attempt left, else it waits again."""

    job_id: str
    attempt: int
    dead: bool


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands: `ahead` jobs go first of `waiting` in all; `eta_s` is None where nobody can say."""

    ahead: int
    waiting: int
    slots: int
    eta_s: float | None


@dataclass(frozen=True)
class Line:
    """A queue at one moment: the waiting jobs by id with their place from 0, what serves them, and how fast.

    `slots` is how many jobs live workers can run at once, `mean_s` the mean of recent runs, None before the first.
    """

    places: Mapping[str, int] = field(hash=False)
    slots: int
    mean_s: float | None

    def place(self, job_id: str) -> Place | None:
        """Where this job stands; None where it does not wait here."""
        ahead = self.places.get(job_id)
        return None if ahead is None else Place(ahead, len(self.places), self.slots, self._eta(ahead))

    def _eta(self, ahead: int) -> float | None:
        if self.slots < 1 or self.mean_s is None:
            return None
        return ahead // self.slots * self.mean_s


@dataclass(frozen=True)
class JobRules:
    """How jobs are kept alive. Seconds.

    A claim is lost `lease_s` after its last beat; an offer nobody claimed is made again after `offer_s`. A job is
    given up after `max_attempts` claims. At most `ahead` times the jobs that workers can run at once are handed to the
    broker, whose order nobody can change any more.
    """

    lease_s: float = 30.0
    offer_s: float = 20.0
    max_attempts: int = 5
    retry_s: float = 2.0
    ahead: int = 2
    worker_silent_s: float = 20.0

    def retry_in(self, attempt: int) -> float:
        """How long a job rests after `attempt` of it was ours to blame: doubles, at most a minute."""
        return float(min(60.0, self.retry_s * 2 ** max(0, attempt - 1)))
