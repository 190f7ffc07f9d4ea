"""One student's page, for graders and for the student; more time for them; two of their submissions side by side."""

import math
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from grader.domain.course import Handed
from grader.domain.errors import GraderError, Refused
from grader.domain.people import Role, Viewer
from grader.domain.policy import DAY_S
from grader.domain.policy_lines import spell, when
from grader.domain.report import Verdict
from grader.steps import extending, students
from grader.steps.access import require
from grader.steps.service import Service
from grader.steps.students import Ended
from grader.web.access import SignedIn, TheService, read_form
from grader.web.pages.board_rows import spark
from grader.web.pages.forms import PLAIN, Name
from grader.web.pages.lists import submissions_table
from grader.web.pages.showing import PAGE, shown, status_of, the_course
from grader.web.pages.tables import Format, answer
from grader.web.pages.wording import VERDICTS

router = APIRouter(include_in_schema=False)
LONGEST = 300
Word = Annotated[str, Query(max_length=100, pattern=PLAIN)]
_EMPTY = ("·", "no result", "wait")


@router.get("/c/{course}/students/{login}")
def student_page(
    course: Name, login: Name, request: Request, service: TheService, viewer: SignedIn, before: Word = "",
    format: Format = "",
) -> Response:  # fmt: skip
    """Where a student stands and what they handed in."""
    if format:
        seen = students.student(service, viewer, course, login, before=before, limit=PAGE)
        return answer(submissions_table(f"{course}-{login}", seen.history), format)
    return _shown(request, service, viewer, course, login, before)


@router.post("/c/{course}/students/{login}/extend")
async def extend(course: Name, login: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Give them more time in a lab, or take it back."""
    return await run_in_threadpool(_extended, request, service, viewer, course, login, await read_form(request))


@router.get("/c/{course}/compare")
def compare_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, a: Word = "", b: Word = ""
) -> Response:  # fmt: skip
    """Two submissions of a lab: their files line by line, their tests side by side."""
    found = the_course(service, viewer, course)
    seen = students.comparison(service, viewer, course, a, b)
    tests = [(one.name, one.claim, _told(one.before), _told(one.after), one.changed) for one in seen.tests]
    return shown(request, "compare.html", viewer, course=found, seen=seen, tests=tests)


def _extended(
    request: Request, service: Service, viewer: Viewer, course: str, login: str, form: FormData
) -> Response:  # fmt: skip
    require(viewer, course, Role.GRADER)
    try:
        days = _days(_text(form, "days"))
        extending.extend(service, viewer, course, _text(form, "lab"), login, days * DAY_S, _text(form, "note"))
    except GraderError as error:
        return _shown(request, service, viewer, course, login, "", error)
    return RedirectResponse(f"/c/{course}/students/{login}", HTTPStatus.SEE_OTHER)


def _shown(
    request: Request, service: Service, viewer: Viewer, course: str, login: str, before: str,
    error: GraderError | None = None,
) -> Response:  # fmt: skip
    found = the_course(service, viewer, course)
    seen = students.student(service, viewer, course, login, before=before, limit=PAGE)
    last = seen.history[-1].handin.id if len(seen.history) == PAGE else ""
    return shown(
        request, "student.html", viewer, HTTPStatus.OK if error is None else status_of(error), course=found, seen=seen,
        staff=viewer.may(course, Role.GRADER), own=viewer.person.id == seen.person.id, spark=spark, when=when,
        span=spell, previous=_previous(seen.history), more=f"?{urlencode({'before': last})}" if last else "",
        error=error,
    )  # fmt: skip


def _previous(history: list[Handed]) -> dict[str, str]:
    """Of each submission in a list the one before it for the same lab, as far as the list goes."""
    found: dict[str, str] = {}
    newer: dict[str, str] = {}
    for row in history:
        if row.handin.lab in newer:
            found[newer[row.handin.lab]] = row.handin.id
        newer[row.handin.lab] = row.handin.id
    return found


def _told(one: Ended) -> tuple[str, str, str, int | None, int]:
    """Mark, word, class and points of a test."""
    return *(VERDICTS[Verdict(one.verdict)] if one.verdict else _EMPTY), one.points, one.most


def _days(text: str) -> float:
    try:
        days = float(text.replace(",", "."))
    except ValueError:
        days = math.nan
    if not math.isfinite(days):
        raise Refused("an extension is a number of days", "such as 2 or 0.5; 0 takes it back")
    return days


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip()[:LONGEST] if isinstance(value, str) and value.isprintable() else ""
