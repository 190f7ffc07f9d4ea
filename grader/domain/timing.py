"""Where the time of a graded job went, from its acceptance to its score: seconds by stage."""

from collections.abc import Mapping
from dataclasses import dataclass

#: The stages in their order. What the worker measures stands in the middle, see `RunResult.stages`.
STAGES = (
    "waiting",  # for its turn: accepted, or ready for another attempt, until a worker is woken up for it
    "offered",  # until a worker claims it
    "claimed",  # until the worker has what it needs and starts the run
    "start",  # until the judge could begin
    "guest",  # until the first guest answered
    "tests",  # from there to the last test's end
    "report",  # until the judge's report has arrived at the worker
    "canary",  # the course's own solution on the same machine, where a test ended as on a broken one
    "returning",  # until the grader has it, and what of the attempt nobody measured
    "scoring",  # until it is judged and scored
)
#: Upper ends of the buckets that stages are counted in, in seconds; the last bucket has none.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True)
class Clocked:
    """When what happened to an attempt, in seconds since 1970. `ready_at` is when the job could have been offered."""

    ready_at: float
    offered_at: float | None
    claimed_at: float
    ended_at: float


def whole(clocked: Clocked, told: Mapping[str, float]) -> dict[str, float]:
    """All stages of an attempt, of which the worker and the scoring `told` some; unknown names are left out."""
    woken = clocked.claimed_at if clocked.offered_at is None else clocked.offered_at
    known = {name: max(0.0, told[name]) for name in STAGES if name in told}
    found = {
        **known,
        "waiting": max(0.0, woken - clocked.ready_at),
        "offered": max(0.0, clocked.claimed_at - woken),
        "returning": max(0.0, clocked.ended_at - clocked.claimed_at - sum(known.values())),
    }
    return {name: round(found[name], 6) for name in STAGES if name in found}


def bucket(seconds: float) -> int:
    """The number of the bucket that a time falls into, from 0 to `len(BUCKETS)`."""
    return next((number for number, end in enumerate(BUCKETS) if seconds <= end), len(BUCKETS))


@dataclass(frozen=True)
class StageTimes:
    """How long one stage took, over all jobs: how many fell into each bucket, and their sum in seconds."""

    counts: tuple[int, ...]
    total_s: float
