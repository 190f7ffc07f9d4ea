"""One fake per port that a test cannot have for real. The store needs none: SQLite in a temporary file is fast."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from grader.adapters.lab_folder import CourseFolder
from grader.adapters.sql_store import SqlStore
from grader.adapters.submission_files import SubmissionFiles
from grader.domain.errors import QueueDown
from grader.domain.operations import WorkerBeat
from grader.domain.people import Person, Role, Viewer
from grader.steps import access, courses, running
from grader.steps.service import Bounds, Service

TOY = Path(__file__).parent / "courses" / "toy"
KEY = b"the key of the tests"


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds


class ListQueue:
    """Keeps what it was given; down on request."""

    def __init__(self) -> None:
        self.offered: list[tuple[str, str]] = []
        self.down = False

    def offer(self, job_id: str, queue: str) -> None:
        """See `Queue`."""
        if self.down:
            raise QueueDown("the broker does not answer")
        self.offered.append((job_id, queue))

    def works(self) -> bool:
        """See `Queue`."""
        return not self.down


def make_service(store: SqlStore, clock: ManualClock, *, bounds: Bounds | None = None) -> Service:
    """The steps over that store."""
    return Service(
        store=store,
        clock=clock,
        key=KEY,
        snapshots=SubmissionFiles,
        shelf=lambda folder: CourseFolder(Path(folder)),
        bounds=bounds or Bounds(submissions_per_minute=1000, submissions_per_hour=10_000),
    )


def enrolled(service: Service, login: str, role: Role = Role.STUDENT, course: str = "toy") -> Viewer:
    """Somebody in the course."""
    ((person, _),) = courses.enrol(service, course, [courses.Enrolment(login, login.capitalize(), "", role)])
    return access.viewer(service, person)


def stranger(login: str = "mallory") -> Viewer:
    """Somebody in no course at all."""
    return Viewer(Person(10_000, login, login.capitalize()), {})


def worker_is_up(service: Service, slots: int = 2, queue: str = "cpu", name: str = "w1") -> None:
    """A worker's sign of life."""
    running.worker_beat(service, WorkerBeat(name, (queue,), slots, (), "fake", "ready", service.clock()))


def numbers() -> Iterator[int]:
    """1, 2, 3 …"""
    return count(1)
