"""From an upload to an accepted submission: once this returns, it will be graded, whatever happens to any process."""

import secrets
from dataclasses import dataclass

from grader.domain.course import CourseLab, Handin
from grader.domain.errors import Refused, TooOften
from grader.domain.job import ACTIVE, Job, JobState, Lane
from grader.domain.people import Role, Viewer
from grader.domain.policy import Cap, CapReached
from grader.domain.submission import Submission, check_files, derive_seed
from grader.steps import rules
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.service import Service
from grader.steps.viewing import the_spec


@dataclass(frozen=True)
class Receipt:
    """What was accepted. A `duplicate` was there already, unchanged, and is not graded twice.

    `notes` are what its author is told of the course's rules: that it is late.
    """

    handin: Handin
    job: Job
    duplicate: bool
    notes: tuple[str, ...] = ()


def submit(service: Service, viewer: Viewer, course: str, lab: str, *, name: str, data: bytes, source: str) -> Receipt:
    """Accept the file or archive `data`, called `name`.

    Raises NotFound, UnknownLab, UnreadableSubmission, TooOften, and Refused before the lab opens and after it has
    closed: nothing is kept then. What is there already, unchanged, is given back at any time.
    """
    require(viewer, course, Role.STUDENT)
    at = service.clock()
    found = find_lab(service, course, lab)
    files = service.snapshots(the_spec(service, found.spec_digest).lab).read_bytes(name, data)
    return submit_files(service, viewer, found, files, source, at=at)


@dataclass(frozen=True)
class _Arrival:
    """Files that somebody handed in for a lab, when that was, and the terms they are held to."""

    viewer: Viewer
    lab: CourseLab
    files: Submission
    source: str
    at: float
    terms: rules.Terms


def submit_files(
    service: Service,
    viewer: Viewer,
    lab: CourseLab,
    files: Submission,
    source: str,
    *,
    promised: bool = False,
    at: float | None = None,
) -> Receipt:
    """Accept files that were read already and arrived `at` that time, now if nobody knows better.

    Raises UnreadableSubmission; TooOften and Refused, unless it was promised already.
    """
    at = service.clock() if at is None else at
    check_files(files.files, the_spec(service, lab.spec_digest).lab)
    one = _Arrival(viewer, lab, files, source, at, rules.terms(service, lab.course, lab.id, viewer.person.id))
    if not promised:
        _check(service, one)
    cap = None if promised or viewer.may(lab.course, Role.GRADER) else one.terms.policy.cap
    try:
        return _keep(service, one, cap)
    except CapReached:  # another one of theirs came in between
        refused = rules.refusal(service, viewer, lab, service.clock())
        raise refused or Refused("your other submissions came first", "hand it in again") from None


def _check(service: Service, one: _Arrival) -> None:
    newest = service.store.submissions.latest(one.lab.course, one.lab.id, one.viewer.person.id)
    same = newest if newest is not None and newest.digest == one.files.digest else None
    if same is not None and _is_kept(service, same, one.lab):
        return
    if (error := rules.refusal(service, one.viewer, one.lab, one.at, one.terms)) is not None:
        raise error
    if same is None:
        check_rate(service, one.viewer)


def _is_kept(service: Service, newest: Handin, lab: CourseLab) -> bool:
    """Whether the same files again are that submission again: it is graded by the present spec, or about to be."""
    job = service.store.jobs.shown([newest.id])[newest.id]
    return job.spec_digest == lab.spec_digest and (job.state in ACTIVE or job.state is JobState.GRADED)


def new_id() -> str:
    """An id that nobody can guess and everybody can type."""
    return secrets.token_hex(8)


def _keep(service: Service, one: _Arrival, cap: Cap | None) -> Receipt:
    lab, person = one.lab, one.viewer.person.id
    handin = Handin(new_id(), lab.course, lab.id, person, 0, one.files.digest, one.source, one.at)
    job = new_job(service, handin, lab, one.files, Lane.INTERACTIVE)
    kept = service.store.submissions.add(handin, one.files, job, cap)
    duplicate = kept.handin.id != handin.id
    if not duplicate:
        service.woken()
    for job_id in kept.superseded:  # who follows the one before it hears at once that this one took its place
        service.changed(job_id)
    told = rules.notes(service, lab.course, lab.id, person, kept.handin.created_at, one.terms)
    shown = service.store.jobs.shown([kept.handin.id])[kept.handin.id] if duplicate else job
    return Receipt(kept.handin, shown, duplicate, told)


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
    now, bounds = service.clock(), service.bounds
    an_hour, a_minute = service.store.submissions.since(viewer.person.id, now - 3600.0, now - 60.0)
    for seconds, taken, most in (
        (60.0, a_minute, bounds.submissions_per_minute),
        (3600.0, an_hour, bounds.submissions_per_hour),
    ):
        if taken + more > most:
            raise TooOften(f"you have handed in {most} times in the last {seconds / 60:.0f} min", seconds / most)
