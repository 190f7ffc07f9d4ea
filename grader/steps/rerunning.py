"""Grading a submission once more, and ending what runs."""

from grader.domain.errors import Refused
from grader.domain.job import Job, Lane
from grader.domain.people import Role, Viewer
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.intake import new_job
from grader.steps.service import Service
from grader.steps.viewing import visible


def rerun(service: Service, viewer: Viewer, submission_id: str) -> Job:
    """Grade it again under the lab's present spec, behind what students wait for.

    Raises NotFound, NotAllowed, and Refused while it is being graded anyway.
    """
    handin = visible(service, viewer, submission_id)
    require(viewer, handin.course, Role.GRADER)
    newest = service.store.jobs.of_submission(handin.id)[0]
    if not newest.state.final:
        raise Refused("it is being graded already", "wait until that is done, or cancel it first")
    files = service.store.submissions.files(handin.digest)
    assert files is not None, "a submission's files are kept with it"
    job = new_job(service, handin, find_lab(service, handin.course, handin.lab), files, Lane.RERUN)
    service.store.jobs.add(job)
    _note(service, viewer, handin.course, "rerun", handin.id)
    service.woken()
    return job


def cancel(service: Service, viewer: Viewer, submission_id: str) -> Job:
    """End its newest job, at once or as soon as its worker hears of it. Raises NotFound, and Refused if it ended."""
    handin = visible(service, viewer, submission_id)
    newest = service.store.jobs.of_submission(handin.id)[0]
    if newest.state.final:
        raise Refused(f"it is {newest.state} already", "there is nothing left to cancel")
    service.store.jobs.cancel(newest.id, service.clock())
    _note(service, viewer, handin.course, "cancel", handin.id)
    service.changed(newest.id)
    job = service.store.jobs.get(newest.id)
    assert job is not None, "jobs are never removed"
    return job


def _note(service: Service, viewer: Viewer, course: str, action: str, subject: str) -> None:
    service.store.operations.note(viewer.person.login, course, action, subject, {}, service.clock())
