"""From an upload to an accepted submission: once this returns, it will be graded, whatever happens to any process."""

import secrets
from dataclasses import dataclass

from grader.domain.course import CourseLab, Handin
from grader.domain.errors import TooOften
from grader.domain.job import Job, Lane
from grader.domain.people import Role, Viewer
from grader.domain.submission import Submission, check_files, derive_seed
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.service import Service
from grader.steps.viewing import the_spec


@dataclass(frozen=True)
class Receipt:
    """What was accepted. A `duplicate` was there already, unchanged, and is not graded twice."""

    handin: Handin
    job: Job
    duplicate: bool


def submit(service: Service, viewer: Viewer, course: str, lab: str, *, name: str, data: bytes, source: str) -> Receipt:
    """Accept the file or archive `data`, called `name`.

    Raises NotFound, UnknownLab, UnreadableSubmission, TooOften: nothing is kept then.
    """
    require(viewer, course, Role.STUDENT)
    found = find_lab(service, course, lab)
    files = service.snapshots(the_spec(service, found.spec_digest).lab).read_bytes(name, data)
    return submit_files(service, viewer, found, files, source)


def submit_files(
    service: Service, viewer: Viewer, lab: CourseLab, files: Submission, source: str, *, promised: bool = False
) -> Receipt:
    """Accept files that were read already. Raises UnreadableSubmission; TooOften, unless it was promised already."""
    check_files(files.files, the_spec(service, lab.spec_digest).lab)
    newest = service.store.submissions.latest(lab.course, lab.id, viewer.person.id)
    if not promised and (newest is None or newest.digest != files.digest):
        check_rate(service, viewer)
    return _keep(service, viewer, lab, files, source)


def new_id() -> str:
    """An id that nobody can guess and everybody can type."""
    return secrets.token_hex(8)


def _keep(service: Service, viewer: Viewer, lab: CourseLab, files: Submission, source: str) -> Receipt:
    now = service.clock()
    handin = Handin(new_id(), lab.course, lab.id, viewer.person.id, 0, files.digest, source, now)
    job = new_job(service, handin, lab, files, Lane.INTERACTIVE)
    kept = service.store.submissions.add(handin, files, job)
    if kept.id != handin.id:
        return Receipt(kept, service.store.jobs.of_submission(kept.id)[0], duplicate=True)
    service.woken()
    return Receipt(kept, job, duplicate=False)


def new_job(service: Service, handin: Handin, lab: CourseLab, files: Submission, lane: Lane) -> Job:
    """A job that grades `handin` under the lab's present spec."""
    return Job(
        id=new_id(),
        submission_id=handin.id,
        course=handin.course,
        lab=handin.lab,
        person_id=handin.person_id,
        spec_digest=lab.spec_digest,
        queue=lab.queue,
        lane=lane,
        seed=derive_seed(service.key, files, lab.spec_digest),
        max_attempts=service.rules.max_attempts,
        created_at=service.clock(),
    )


def check_rate(service: Service, viewer: Viewer, more: int = 1) -> None:
    """Raises TooOften unless they may hand in `more` times now."""
    now = service.clock()
    for seconds, most in ((60.0, service.bounds.submissions_per_minute), (3600.0, service.bounds.submissions_per_hour)):
        if service.store.submissions.since(viewer.person.id, now - seconds) + more > most:
            raise TooOften(f"you have handed in {most} times in the last {seconds / 60:.0f} min", seconds / most)
