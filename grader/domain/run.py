"""What a runner is given and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.domain.errors import Fault
from grader.domain.lab import Lab
from grader.domain.submission import Submission

#: Something that happened during a run, for people who watch it live: `event` names its kind, the rest depends on it
#: (`collected`: tests; `test`: test, outcome, duration_s, verdict, diagnosis). Never scored.
Event = Mapping[str, Any]
OnEvent = Callable[[Event], None]
#: A larger canary is not sent: what it shows is a few words per test.
MAX_CANARY_BYTES = 4 * 1024 * 1024
#: A run has fewer stages than this.
MAX_STAGES = 20


@dataclass(frozen=True)
class Version:
    """One version of a file that was handed in: `at`, an ISO time in UTC, and its text."""

    at: str
    text: str


@dataclass(frozen=True)
class Assignment:
    """One submission to run under one lab's spec.

    `bundle` holds the course's files that the judge needs, by path relative to the course folder; `lab_path` is the
    lab's folder in it. `tests` chooses tests by name, None all. `sandbox` asks for a kind, empty for the runner's own.
    `history` has the versions of each file in the lab's history that were handed in, oldest first, this one the last.
    """

    lab: Lab
    bundle: Mapping[str, bytes]
    lab_path: str
    submission: Submission
    seed: int
    tests: tuple[str, ...] | None = None
    sandbox: str = ""
    history: Mapping[str, tuple[Version, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class RunResult:
    """What came of a run: the judge's report as it was written, or None with the `fault` and the `problem` in words.

    `canary` is the report of the course's own solution, run right after it where tests ended as on a broken machine.
    `stages` says where the time went: seconds by stage name (`start` until the judge could begin, `guest` until the
    first guest answered, `tests` to the last test's end, `report` the rest), empty where nobody knows.
    """

    report: bytes | None
    sandbox: str
    isolation: str
    duration_s: float
    fault: Fault | None
    problem: str
    canary: bytes | None = None
    stages: Mapping[str, float] = field(default_factory=dict, hash=False)
