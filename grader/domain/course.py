"""A course, its labs and the specs that they are graded by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from grader.domain.job import Job
from grader.domain.lab import Lab
from grader.domain.people import Person


@dataclass(frozen=True)
class Course:
    """A course. `folder` is where its labs are read from on the machine that runs the service; may be empty."""

    id: str
    title: str
    folder: str = ""


@dataclass(frozen=True)
class CourseLab:
    """A lab of a course as the store has it: `spec_digest` is the spec that new submissions are graded by."""

    course: str
    id: str
    title: str
    order: int
    queue: str
    max_score: int
    spec_digest: str
    submission: tuple[str, ...]


@dataclass(frozen=True)
class Spec:
    """What one spec digest stands for: the manifest, and the bundle the judge needs, paths relative to the course.

    `lab_path` is the lab's folder in the bundle. A job keeps its spec, so a lab can change while jobs wait.
    """

    digest: str
    lab_path: str
    manifest: str
    bundle: Mapping[str, bytes] = field(hash=False, repr=False)

    @cached_property
    def lab(self) -> Lab:
        """What the manifest says. Raises BadManifest."""
        return Lab.from_toml(self.manifest, file=f"{self.lab_path}/lab.toml")


@dataclass(frozen=True)
class KnownSpec:
    """A spec that a lab is or was graded by, and when that was first done; None where nothing was graded by it yet."""

    digest: str
    first_at: float | None
    current: bool


@dataclass(frozen=True)
class Handin:
    """One submission of one person: the record around the files. `number` counts theirs for this lab, from 1."""

    id: str
    course: str
    lab: str
    person_id: int
    number: int
    digest: str
    source: str
    created_at: float


@dataclass(frozen=True)
class Kept:
    """What became of something that was handed in: `handin` is it, or the same as it that was there before.

    `superseded` are the jobs that nobody waits for any more.
    """

    handin: Handin
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handed:
    """A row of a list: the submission, who it is from, its newest job."""

    handin: Handin
    person: Person
    job: Job


@dataclass(frozen=True)
class Best:
    """What a person has reached in a lab, and by which submission."""

    login: str
    name: str
    lab: str
    points: int
    max_points: int
    submission_id: str
