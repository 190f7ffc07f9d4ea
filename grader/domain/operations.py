"""What keeps the service honest: workers' signs of life, and the service in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.domain.timing import StageTimes


@dataclass(frozen=True)
class WorkerBeat:
    """What a worker says of itself, every few seconds. `state` is ready, draining or stopped."""

    name: str
    queues: tuple[str, ...]
    slots: int
    running: tuple[str, ...]
    sandbox: str
    state: str
    started_at: float
    seen_at: float = 0.0


@dataclass(frozen=True)
class Figures:
    """The service in numbers, all from the store, so that they survive a restart.

    `waiting`, `oldest_waiting_s` and `running` are by queue; `outcomes` by final state; `endings` by how attempts
    ended; `run_seconds` is (sum, count) by lab; `stages` by queue, sandbox and stage. `given_up` counts submissions
    whose newest job is dead.
    """

    waiting: Mapping[str, int] = field(default_factory=dict)
    oldest_waiting_s: Mapping[str, float] = field(default_factory=dict)
    running: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    endings: Mapping[str, int] = field(default_factory=dict)
    run_seconds: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    stages: Mapping[tuple[str, str, str], StageTimes] = field(default_factory=dict)
    given_up: int = 0


@dataclass(frozen=True)
class Alarm:
    """Something that does not mend itself. `kind` is for programs, `what` and `todo` for whoever runs the service."""

    kind: str
    what: str
    todo: str


#: A queue that nobody serves is told after so long: workers restart. One that is served but stands still, later.
UNSERVED_S = 30.0
STUCK_S = 900.0


def alarms(figures: Figures, workers: Sequence[WorkerBeat]) -> list[Alarm]:
    """What somebody has to look at, before a student asks."""
    served = {queue for worker in workers if worker.state == "ready" for queue in worker.queues}
    found = []
    for queue, count in sorted(figures.waiting.items()):
        age = figures.oldest_waiting_s.get(queue, 0.0)
        if queue not in served and age >= UNSERVED_S:
            what = f"No worker serves the {queue} queue, where {_counted(count, 'job waits', 'jobs wait')}."
            found.append(
                Alarm("unserved", what, f"Start one: grader worker --queues {queue}. Nothing is lost meanwhile.")
            )
        elif age >= STUCK_S:
            what = f"The oldest of {_counted(count, 'job', 'jobs')} in the {queue} queue waits for {age / 60:.0f} min."
            found.append(Alarm("stuck", what, "Start more workers, or look at what the present ones do."))
    if figures.given_up:
        many = _counted(figures.given_up, "submission", "submissions")
        what = f"{many} could not be graded and will not be tried again."
        found.append(Alarm("given-up", what, "Look at why, mend that, and run each again."))
    return found


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
