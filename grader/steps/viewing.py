"""What somebody may read: a submission with all that is known of it, lists of submissions."""

from dataclasses import dataclass

from grader.domain.course import Handed, Handin, Spec
from grader.domain.diagnosis import Finding, findings
from grader.domain.errors import NotFound, UnreadableReport
from grader.domain.job import WAITING, Attempt, Job, Place
from grader.domain.lab import Lab
from grader.domain.people import Person, Role, Viewer
from grader.domain.report import Report, read_report
from grader.domain.score import Score, score
from grader.steps.service import Service

EARLIER = 20


@dataclass(frozen=True)
class View:
    """One submission. `job` is the newest of `jobs`; `report`, `score` and `findings` are there once it is graded.

    `earlier` are this person's submissions for the lab, newest first; `replay` is the command that repeats the run.
    """

    handin: Handin
    person: Person
    lab: Lab
    job: Job
    jobs: list[Job]
    attempts: list[Attempt]
    place: Place | None
    report: Report | None
    score: Score | None
    findings: tuple[Finding, ...]
    earlier: list[Handed]
    replay: str


def view(service: Service, viewer: Viewer, submission_id: str) -> View:
    """Raises NotFound for what is not there and for what somebody else handed in alike."""
    handin = visible(service, viewer, submission_id)
    store = service.store
    jobs = store.jobs.of_submission(handin.id)
    job = jobs[0]
    lab = the_spec(service, job.spec_digest).lab
    report = _report(service, job, lab)
    return View(
        handin=handin,
        person=store.accounts.people([handin.person_id])[handin.person_id],
        lab=lab,
        job=job,
        jobs=jobs,
        attempts=store.jobs.attempts(job.id),
        place=place(service, job),
        report=report,
        score=None if report is None else score(report, lab),
        findings=() if report is None else findings(report, lab),
        earlier=store.submissions.page(handin.course, person_id=handin.person_id, lab=handin.lab, limit=EARLIER),
        replay=f"grader grade {lab.id} {lab.submission[0]} --seed {job.seed}",
    )


def visible(service: Service, viewer: Viewer, submission_id: str) -> Handin:
    """The submission, if `viewer` may see it. Raises NotFound."""
    handin = service.store.submissions.get(submission_id)
    if handin is None or not viewer.may_see(handin.course, handin.person_id):
        raise NotFound("there is no such submission, or it is not yours", "check the address, and who you are")
    return handin


def handed_in(
    service: Service, viewer: Viewer, course: str, *, person_id: int | None, lab: str | None, before: str, limit: int
) -> list[Handed]:
    """Newest first: a student's own whatever is asked for, anybody's for graders."""
    mine = None if viewer.may(course, Role.GRADER) else viewer.person.id
    whose = person_id if mine is None else mine
    return service.store.submissions.page(course, person_id=whose, lab=lab, before=before, limit=limit)


def place(service: Service, job: Job) -> Place | None:
    """Where a job stands in the line; None once it runs."""
    return service.lines.of(job.queue, service).place(job.id) if job.state in WAITING else None


def the_spec(service: Service, digest: str) -> Spec:
    """The spec with this digest, which some row of the store names."""
    found = service.store.courses.spec(digest)
    assert found is not None, f"the store names a spec it does not hold: {digest}"
    return found


def _report(service: Service, job: Job, lab: Lab) -> Report | None:
    body = service.store.jobs.report(job.id)
    if body is None:
        return None
    try:
        return read_report(body, lab)
    except UnreadableReport:
        return None
