"""What the core asks of the outside world; each adapter satisfies one of these."""

from typing import Protocol

from grader.domain.lab import Lab
from grader.domain.run import Assignment, OnEvent, RunResult
from grader.domain.submission import Submission


class LabFolder(Protocol):
    """One lab and the files that judge it."""

    @property
    def lab(self) -> Lab:
        """What its manifest says."""
        ...

    @property
    def path(self) -> str:
        """Its folder relative to the course folder, with / between folders."""
        ...

    def bundle(self) -> dict[str, bytes]:
        """The files the judge needs, by path relative to the course folder. Raises BadLab."""
        ...

    def rehearsal(self) -> dict[str, bytes]:
        """The same with all the course's own answers, for proving the lab before it opens. Raises BadLab."""
        ...

    def spec_digest(self) -> str:
        """The content address of the bundle: it changes whenever a verdict might. Raises BadLab."""
        ...

    def calibration(self) -> str | None:
        """Its calibration record as it was written, no part of the bundle; None if it has none. Raises BadLab."""
        ...

    def keep_calibration(self, text: str) -> None:
        """Put a new calibration record in place of the old one. Raises BadLab."""
        ...


class LabShelf(Protocol):
    """The labs of a course."""

    def labs(self) -> list[str]:
        """The ids of all labs, sorted."""
        ...

    def find(self, prefix: str) -> LabFolder:
        """The lab with this id, or the only one whose id starts so. Raises UnknownLab, BadLab."""
        ...

    def rules(self) -> str:
        """The text of course.toml, the rules of the course; empty where there is none. Raises BadLab."""
        ...

    def students_copy(self) -> dict[str, bytes]:
        """What students are given to begin with: the course's files without any answer. Raises BadLab."""
        ...


class Snapshots(Protocol):
    """Reads what a student handed in for one lab."""

    def read(self, path: str) -> Submission:
        """The files the lab names, from whatever is at `path`; nothing else. Raises UnreadableSubmission."""
        ...

    def read_bytes(self, name: str, data: bytes) -> Submission:
        """As `read`, of an uploaded file or archive called `name`. Raises UnreadableSubmission."""
        ...


class Queue(Protocol):
    """Wakes a worker up. It may lose or repeat a message: the store is the truth."""

    def offer(self, job_id: str, queue: str) -> None:
        """Tell the workers of `queue` that this job may be claimed. Raises QueueDown."""
        ...

    def works(self) -> bool:
        """Whether messages can be sent right now. Never raises."""
        ...


class Clock(Protocol):
    """Seconds since 1970, UTC."""

    def __call__(self) -> float: ...


class Runner(Protocol):
    """Runs strangers' code and reports what happened."""

    def run(self, assignment: Assignment, on_event: OnEvent) -> RunResult:
        """Run it; `on_event` hears of each test as it ends. Never raises for what a submission or a spec does."""
        ...
