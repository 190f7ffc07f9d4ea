"""Grading one submission once more, and ending what runs."""

from grader.domain.errors import Refused
from grader.domain.job import Job, Lane
from grader.domain.people import Role, Viewer
from grader.domain.rerun import Rerun, Selection
from grader.steps import reruns
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.intake import new_job
from grader.steps.service import Service
from grader.steps.viewing import visible


def rerun(service: Service, viewer: Viewer, submission_id: str) -> Job | Rerun:
    """Grade it again under the lab's present spec, behind what students wait for.

    With a score, by a rerun of this one submission, whose change is seen before it counts; without one there is
    nothing to lose, and the result counts at once. Raises NotFound, NotAllowed, and Refused while it is being graded.
    """
    handin = visible(service, viewer, submission_id)
    require(viewer, handin.course, Role.GRADER)
    if service.store.standings.counted([handin.id]):
        return reruns.begin(service, viewer, handin.course, Selection(handin.lab, submission_id=handin.id))
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
    """End the job that is shown of it, at once or as soon as its worker hears of it: never one of a rerun.

    Raises NotFound, and Refused if it ended.
    """
    handin = visible(service, viewer, submission_id)
    shown = service.store.jobs.shown([handin.id])[handin.id]
    if shown.state.final:
        raise Refused(f"it is {shown.state} already", "there is nothing left to cancel")
    service.store.jobs.cancel(shown.id, service.clock())
    _note(service, viewer, handin.course, "cancel", handin.id)
    service.changed(shown.id)
    service.woken()
    job = service.store.jobs.get(shown.id)
    assert job is not None, "jobs are never removed"
    return job


def _note(service: Service, viewer: Viewer, course: str, action: str, subject: str) -> None:
    service.store.operations.note(viewer.person.login, course, action, subject, {}, service.clock())
