"""What the API's answers look like: the schema programs are written against."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from grader.domain.course import Handin
from grader.domain.diagnosis import diagnose
from grader.domain.job import Job, Place
from grader.domain.people import Person
from grader.steps.viewing import View


class MeOut(BaseModel):
    """Who is asking."""

    login: str
    name: str
    roles: dict[str, str]


class LabOut(BaseModel):
    """A lab that can be handed in for."""

    id: str
    title: str
    order: int
    queue: str
    max_score: int
    spec_digest: str
    submission: list[str]
    optional: list[str]


class PlaceOut(BaseModel):
    """A place in the line. `eta_s` is null where no worker lives or nothing has been run yet."""

    ahead: int
    waiting: int
    slots: int
    eta_s: float | None


class JobOut(BaseModel):
    """The newest job of a submission. `seed` is text: it does not fit every program's numbers."""

    id: str
    state: str
    lane: str
    queue: str
    attempt: int
    max_attempts: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    points: int | None
    max_points: int | None
    fault: str | None
    problem: str
    sandbox: str
    duration_s: float
    spec_digest: str
    seed: str
    place: PlaceOut | None


class SubmissionOut(BaseModel):
    """One submission with its newest job."""

    id: str
    course: str
    lab: str
    login: str
    name: str
    number: int
    digest: str
    source: str
    created_at: float
    url: str
    job: JobOut


class ReceiptOut(SubmissionOut):
    """What was accepted; a duplicate was there already and is not graded twice. `notes` say that it is late."""

    duplicate: bool
    notes: list[str] = []


class AgainOut(SubmissionOut):
    """What is graded once more; `rerun` names the rerun that must be applied before that counts."""

    rerun: str | None


class HiddenOut(BaseModel):
    """How many tests nothing is told of, points included, until when: seconds since 1970."""

    tests: int
    until: float


class DetailOut(SubmissionOut):
    """A submission with everything that is known of it; `tests` is empty until it is graded.

    `notes` are sentences: that it is late, that tests are hidden. `stages` are seconds by stage, for graders alone.
    `measured` is what an engine measured, beside what was predicted; null for a lab that asks none.
    """

    notes: list[str] = []
    hidden: HiddenOut | None = None
    tests: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    replay: str
    measured: dict[str, Any] | None = None
    stages: dict[str, float] = {}


class ScoreOut(BaseModel):
    """The best graded submission of a person for a lab."""

    login: str
    name: str
    lab: str
    points: int
    max_points: int
    submission: str


class TokenOut(BaseModel):
    """A token, without its secret."""

    id: int
    label: str
    created_at: float
    expires_at: float | None
    used_at: float | None


class NewTokenOut(TokenOut):
    """A token with its secret, which is shown this once."""

    token: str


class ErrorBody(BaseModel):
    """What went wrong, what to do, whose move it is, and whether the same request may work later."""

    message: str
    advice: str
    fault: str
    retried: bool


class ErrorOut(BaseModel):
    """Every error's shape."""

    error: ErrorBody


def submission_out(handin: Handin, person: Person, job: Job, place: Place | None) -> dict[str, Any]:
    """The fields of `SubmissionOut`."""
    return {
        **{name: getattr(handin, name) for name in ("id", "course", "lab", "number", "digest", "source", "created_at")},
        "login": person.login,
        "name": person.name,
        "url": f"/submissions/{handin.id}",
        "job": job_out(job, place),
    }


def job_out(job: Job, place: Place | None) -> dict[str, Any]:
    """The fields of `JobOut`."""
    shown = {name: getattr(job, name) for name in JobOut.model_fields if name != "place"}
    return {
        **shown,
        "state": str(job.state),
        "lane": str(job.lane),
        "fault": None if job.fault is None else str(job.fault),
        "seed": str(job.seed),
        "place": None if place is None else vars(place),
    }


def detail_out(view: View) -> dict[str, Any]:
    """The fields of `DetailOut`."""
    return {
        **submission_out(view.handin, view.person, view.job, view.place),
        "tests": [_test_out(view, test.name) for test in view.report.tests] if view.report else [],
        "findings": [
            {**vars(found), "verdict": str(found.verdict), "fault": str(found.fault)} for found in view.findings
        ],
        "attempts": [{**vars(attempt), "ending": str(attempt.ending)} for attempt in view.attempts],
        "replay": view.replay,
        "measured": asdict(view.report.measured) if view.report and view.report.measured else None,
        "stages": dict(view.stages),
        "notes": list(view.told),
        "hidden": {"tests": len(view.hidden.tests), "until": view.hidden.until} if view.hidden else None,
    }


def _test_out(view: View, name: str) -> dict[str, Any]:
    assert view.report is not None
    assert view.score is not None
    result, spec = view.report.of(name), view.lab.test(name)
    assert spec is not None, "a report holds listed tests only"
    diagnosis = diagnose(result)
    return {
        "test": name,
        "verdict": str(result.verdict),
        "points": view.score.per_test[name],
        "max_points": 0 if spec.stretch else spec.points,
        "stretch": spec.stretch,
        "claim": spec.claim,
        "duration_s": result.duration_s,
        "diagnosis": None if diagnosis is None else vars(diagnosis),
        "output": result.output,
        "checks": [asdict(check) for check in result.checks],
    }


#: The errors that any route may answer with.
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut} for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}
