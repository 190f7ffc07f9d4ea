"""Where each page is. Nothing is decided here: steps say who may see what, `result` and `wording` how it is told."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from grader.domain.people import Role
from grader.domain.policy_lines import due_line
from grader.steps import rules, viewing
from grader.steps.handing_out import TAKE_IN
from grader.web.access import SignedIn, TheService
from grader.web.pages import board, forms, gradebooks, insight, lists, notices, public_board, reruns, students
from grader.web.pages.forms import PLAIN, Id, Name
from grader.web.pages.showing import lab_shown, result_shown, shown, the_course
from grader.web.pages.tending import health

router = APIRouter(include_in_schema=False)
for part in (forms, lists, reruns, notices, board, public_board, gradebooks, insight, students):
    router.include_router(part.router)
Word = Annotated[str, Query(max_length=100, pattern=PLAIN)]


@router.get("/")
def home(request: Request, service: TheService, viewer: SignedIn) -> HTMLResponse:
    """My courses."""
    courses = [(c, viewer.roles[c.id]) for c in service.store.courses.courses() if c.id in viewer.roles]
    return shown(request, "home.html", viewer, courses=courses)


@router.get("/c/{course}")
def course_page(course: Name, request: Request, service: TheService, viewer: SignedIn) -> HTMLResponse:
    """A course's labs with my best result; for graders, whether the service does its work."""
    found = the_course(service, viewer, course)
    staff = viewer.may(course, Role.GRADER)
    counts = rules.standing(service, viewer, course)
    labs = [
        {
            "lab": lab,
            "best": counts.get(lab.id),
            "newest": next(iter(viewing.own(service, viewer, course, lab=lab.id, limit=1)), None),
            "due": due_line(rules.situation(service, course, lab.id, viewer.person.id)),
        }
        for lab in service.store.courses.labs(course)
    ]
    tended = health(service, course) if staff else None
    clone = request.app.state.git.hooks.clone_url(course, viewer.person.login)
    told = {"staff": staff, "labs": labs, "health": tended, "clone": clone, "take_in": TAKE_IN}
    return shown(request, "course.html", viewer, course=found, **told)


@router.get("/c/{course}/labs/{lab}")
def lab_page(course: Name, lab: Name, request: Request, service: TheService, viewer: SignedIn) -> HTMLResponse:
    """Hand in, what I handed in, what is tested."""
    return lab_shown(request, service, viewer, course, lab)


@router.get("/submissions/{submission_id}")
def result_page(
    submission_id: Id, request: Request, service: TheService, viewer: SignedIn, duplicate: bool = False, job: Word = ""
) -> HTMLResponse:
    """One submission: live while it runs, then its result; for graders also one of its jobs."""
    return result_shown(request, service, viewer, submission_id, job_id=job, duplicate=duplicate)
