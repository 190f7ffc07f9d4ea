"""Points for other systems: Canvas's own file with a column filled, Gradescope's format, and plain tables."""

import base64
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from grader.domain import canvas
from grader.domain.canvas import Filled
from grader.domain.errors import GraderError
from grader.domain.exports import gradescope
from grader.domain.people import Role, Viewer
from grader.steps.access import require
from grader.steps.board import graded
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService, read_form
from grader.web.pages.forms import Name
from grader.web.pages.showing import shown, status_of, the_course
from grader.web.pages.tables import attachment, file_name
from grader.web.uploads import read_upload

router = APIRouter(include_in_schema=False)
LONGEST = 200


@router.get("/c/{course}/gradebooks")
def gradebooks_page(course: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """What can be had, and the form for Canvas."""
    return _shown(request, service, viewer, course)


@router.get("/c/{course}/labs/{lab}/gradescope")
def gradescope_file(course: Name, lab: Name, service: TheService, viewer: SignedIn) -> Response:
    """A lab's points in the columns of a Gradescope export."""
    found, students = graded(service, viewer, course, lab)
    return attachment(gradescope(students), f"{course}-{found.id}-gradescope.csv")


@router.post("/c/{course}/gradebooks/canvas")
async def fill(course: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Give a gradebook of Canvas back with a lab's column filled, and say whom that leaves out."""
    await run_in_threadpool(require, viewer, course, Role.GRADER)
    form, sent = await read_form(request), None
    names = {name: value.strip()[:LONGEST] for name in ("lab", "column") if isinstance(value := form.get(name), str)}
    lab, column = names.get("lab", ""), names.get("column", "")
    try:
        sent = await read_upload(request)
        filled = await run_in_threadpool(_filled, service, viewer, course, lab, column, sent[1])
    except GraderError as error:
        told = error
        return await run_in_threadpool(lambda: _shown(request, service, viewer, course, lab=lab, error=told))
    return await run_in_threadpool(lambda: _shown(request, service, viewer, course, lab=lab, filled=filled))


def _filled(service: Service, viewer: Viewer, course: str, lab: str, column: str, data: bytes) -> Filled:
    found, students = graded(service, viewer, course, lab)
    titles = [column] if column else [found.title, found.id]
    return canvas.fill(data, titles, found.max_score, students)


def _shown(
    request: Request, service: Service, viewer: Viewer, course: str, *, lab: str = "", filled: Filled | None = None,
    error: GraderError | None = None,
) -> Response:  # fmt: skip
    """The filled file is in the page as a link to save it by, so that nothing of it is kept here."""
    found = the_course(service, viewer, course)
    require(viewer, course, Role.GRADER)
    body = base64.b64encode(filled.text.encode("utf-8")).decode("ascii") if filled else ""
    return shown(
        request, "gradebooks.html", viewer, HTTPStatus.OK if error is None else status_of(error), course=found,
        labs=service.store.courses.labs(course), lab=lab, filled=filled, error=error, most=canvas.MOST_BYTES,
        link=f"data:text/csv;charset=utf-8;base64,{body}", name=file_name(f"{course}-{lab}-canvas.csv"),
    )  # fmt: skip
