"""A submission as the API tells it, in the shape that the renderers read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import urljoin

from grader.client.answers import Incomprehensible
from grader.commands.render import Row
from grader.domain.diagnosis import Finding
from grader.domain.errors import Fault
from grader.domain.job import JobState, Place
from grader.domain.measurements import Check, read_properties
from grader.domain.report import Verdict


@dataclass(frozen=True)
class SeenAttempt:
    """One try at grading it."""

    number: int
    worker: str
    ending: str
    problem: str


@dataclass(frozen=True)
class Seen:
    """One submission with its newest job. What only the full answer has is empty in a list's.

    checks: of the tests that passed; notes: sentences of the course's rules, that it is late or tests are hidden.
    """

    id: str
    course: str
    lab: str
    login: str
    name: str
    number: int
    created_at: float
    url: str
    duplicate: bool
    job: str
    state: JobState
    points: int | None
    max_points: int | None
    fault: Fault | None
    problem: str
    queue: str
    sandbox: str
    duration_s: float
    seed: int
    place: Place | None
    tests: tuple[Row, ...]
    outputs: Mapping[str, str]
    findings: tuple[Finding, ...]
    attempts: tuple[SeenAttempt, ...]
    checks: tuple[Check, ...]
    replay: str
    notes: tuple[str, ...]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], server: str) -> Self:
        """From the JSON of an answer. Raises Incomprehensible."""
        try:
            return cls._read(data, data["job"], server)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Incomprehensible(server) from None

    @classmethod
    def _read(cls, data: Mapping[str, Any], job: Mapping[str, Any], server: str) -> Self:
        tests = data.get("tests") or []
        return cls(
            id=str(data["id"]),
            course=str(data["course"]),
            lab=str(data["lab"]),
            login=str(data["login"]),
            name=str(data["name"]),
            number=int(data["number"]),
            created_at=moment(data["created_at"]),
            url=urljoin(f"{server}/", str(data["url"])),
            duplicate=data.get("duplicate") is True,
            job=str(job["id"]),
            state=JobState(job["state"]),
            points=_whole(job.get("points")),
            max_points=_whole(job.get("max_points")),
            fault=Fault(job["fault"]) if job.get("fault") else None,
            problem=str(job.get("problem") or ""),
            queue=str(job["queue"]),
            sandbox=str(job.get("sandbox") or ""),
            duration_s=float(job.get("duration_s") or 0.0),
            seed=int(job.get("seed") or 0),
            place=place(job["place"]) if job.get("place") else None,
            tests=tuple(row(test) for test in tests),
            outputs={str(test["test"]): str(test.get("output") or "") for test in tests},
            findings=tuple(_finding(found) for found in data.get("findings") or []),
            attempts=tuple(_attempt(attempt) for attempt in data.get("attempts") or []),
            checks=tuple(check for test in tests if test["verdict"] == Verdict.PASSED for check in _checks(test)),
            replay=str(data.get("replay") or ""),
            notes=tuple(str(note) for note in data.get("notes") or []),
            raw=data,
        )

    @property
    def title(self) -> str:
        """How people call it."""
        return f"{self.lab}, submission {self.number}"


def row(test: Mapping[str, Any]) -> Row:
    """One test, from the full answer or from a stream. Raises KeyError, TypeError, ValueError."""
    return Row(
        test=str(test["test"]),
        verdict=Verdict(test["verdict"]),
        points=int(test["points"]),
        max_points=int(test["max_points"]),
        stretch=bool(test.get("stretch")),
        duration_s=float(test.get("duration_s") or 0.0),
        claim=str(test.get("claim") or ""),
    )


def place(data: Mapping[str, Any]) -> Place:
    """Where it stands in the line. Raises KeyError, TypeError, ValueError."""
    eta = data.get("eta_s")
    return Place(int(data["ahead"]), int(data["waiting"]), int(data["slots"]), None if eta is None else float(eta))


def moment(value: object) -> float:
    """Seconds since 1970 of a number or of a date in ISO 8601. Raises TypeError, ValueError."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(type(value))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        tests=tuple(str(test) for test in data["tests"]) or ("",),
        points=int(data["points"]),
        verdict=Verdict(data["verdict"]),
        fault=Fault(data["fault"]),
        cause=str(data.get("cause") or ""),
        message=str(data["message"]),
        hint=str(data.get("hint") or ""),
    )


def _checks(test: Mapping[str, Any]) -> tuple[Check, ...]:
    return read_properties([{"check": check} for check in test.get("checks") or []]).checks


def _attempt(data: Mapping[str, Any]) -> SeenAttempt:
    return SeenAttempt(
        number=int(data["number"]),
        worker=str(data.get("worker") or ""),
        ending=str(data["ending"]),
        problem=str(data.get("problem") or ""),
    )
