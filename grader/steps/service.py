"""What every step works with: the ports, and the rules of this installation."""

from collections.abc import Callable
from dataclasses import dataclass, field

from grader.domain.job import Job, JobRules, Line, Place
from grader.domain.lab import Lab
from grader.ports import Clock, LabShelf, Snapshots
from grader.ports.store import Store

#: How old a place in the line may be when it is told.
LINE_S = 1.0


@dataclass(frozen=True)
class Bounds:
    """How often somebody may do what costs something."""

    submissions_per_minute: int = 10
    submissions_per_hour: int = 120


class Lines:
    """The lines that students watch, read from the store at most once a second each, however many of them do."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, Line]] = {}

    def of(self, queue: str, service: "Service") -> Line:
        """The line of a queue, at most `LINE_S` old."""
        now = service.clock()
        read = self._read.get(queue)
        if read is None or not 0 <= now - read[0] < LINE_S:
            read = self._read[queue] = (now, service.store.jobs.line(queue, now, service.rules))
        return read[1]

    def place(self, job: Job, service: "Service") -> Place | None:
        """Where a waiting job stands. One that came after its line was read has it read again: it is told at once."""
        if job.id not in self.of(job.queue, service).places:
            self._read.pop(job.queue, None)
        return self.of(job.queue, service).place(job.id)


def _nobody() -> None:
    return None


def _nobody_watches(job_id: str) -> None:
    return None


@dataclass(frozen=True)
class Service:
    """The grader as its steps see it.

    `key` is what inputs are derived from. `snapshots` reads what is handed in for a lab, `shelf` the labs of a folder.
    `woken` is called when a job may be offered, `changed` when a job's watchers have something new to read.
    """

    store: Store
    clock: Clock
    key: bytes = field(repr=False)
    snapshots: Callable[[Lab], Snapshots]
    shelf: Callable[[str], LabShelf]
    rules: JobRules = field(default_factory=JobRules)
    bounds: Bounds = field(default_factory=Bounds)
    lines: Lines = field(default_factory=Lines)
    woken: Callable[[], None] = _nobody
    changed: Callable[[str], None] = _nobody_watches
