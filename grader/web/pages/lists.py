"""The plain lists of a course: what was handed in, and who is in it."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from grader.domain.course import Handed
from grader.domain.exports import Cell, Table
from grader.domain.people import Member, Role, Viewer
from grader.steps import viewing
from grader.steps.access import require
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService
from grader.web.pages.forms import PLAIN, Name
from grader.web.pages.showing import PAGE, shown, the_course
from grader.web.pages.tables import Format, answer, columns

router = APIRouter(include_in_schema=False)
#: Rows of a file; it says by its last one where the next begins (`before`, `after`).
MOST_ROWS = 5_000
Word = Annotated[str, Query(max_length=100, pattern=PLAIN)]


@router.get("/c/{course}/submissions")
def submissions_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, lab: Word = "", login: Word = "",
    before: Word = "", format: Format = "",
) -> Response:  # fmt: skip
    """Submissions of a course, newest first: everybody's for graders, one's own for students."""
    found = the_course(service, viewer, course)
    staff = viewer.may(course, Role.GRADER)
    rows = _handed_in(service, viewer, course, lab, login, before, MOST_ROWS if format else PAGE)
    if format:
        return answer(submissions_table(f"{course}-submissions", rows), format)
    asked = {"lab": lab, "login": login, "before": rows[-1].handin.id if len(rows) == PAGE else ""}
    return shown(
        request, "submissions.html", viewer, course=found, staff=staff, rows=rows,
        labs=service.store.courses.labs(course), lab=lab, login=login,
        more=f"/c/{course}/submissions?{_query(asked)}" if asked["before"] else "",
        csv=f"?{_query({**asked, 'before': before, 'format': 'csv'})}",
        json=f"?{_query({**asked, 'before': before, 'format': 'json'})}",
    )  # fmt: skip


@router.get("/c/{course}/people")
def people_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, after: Word = "", format: Format = ""
) -> Response:
    """Everybody in a course, for graders."""
    found = the_course(service, viewer, course)
    require(viewer, course, Role.GRADER)
    members = service.store.accounts.members(course, after=after, limit=MOST_ROWS if format else PAGE)
    if format:
        return answer(_people_table(course, members), format)
    last = members[-1].person.login if len(members) == PAGE else ""
    more = f"/c/{course}/people?{_query({'after': last})}" if last else ""
    return shown(request, "people.html", viewer, course=found, members=members, more=more)


def submissions_table(name: str, rows: Sequence[Handed]) -> Table:
    """What was handed in, for other programs; times are seconds since 1970."""
    heads = columns(
        submission="Submission", login="Login", name="Name", lab="Lab", number="No.", state="State", points="Points",
        max_points="Of", handed_in_at="Handed in", source="By",
    )  # fmt: skip
    return Table(name, heads, tuple(_submission(row) for row in rows))


def _submission(row: Handed) -> tuple[Cell, ...]:
    handin, job = row.handin, row.job
    who = (handin.id, row.person.login, row.person.name, handin.lab, handin.number)
    return *who, str(job.state), job.points, job.max_points, handin.created_at, handin.source


def _handed_in(
    service: Service, viewer: Viewer, course: str, lab: str, login: str, before: str, limit: int
) -> list[Handed]:
    person = service.store.accounts.person(login) if login and viewer.may(course, Role.GRADER) else None
    if login and person is None and viewer.may(course, Role.GRADER):
        return []
    whose = person.id if person else None
    return viewing.handed_in(service, viewer, course, person_id=whose, lab=lab or None, before=before, limit=limit)


def _people_table(course: str, members: Sequence[Member]) -> Table:
    heads = columns(login="Login", name="Name", email="E-mail", role="Role", section="Section")
    rows = ((one.person.login, one.person.name, one.person.email, str(one.role), one.section) for one in members)
    return Table(f"{course}-people", heads, tuple(rows))


def _query(asked: dict[str, str]) -> str:
    return urlencode({key: value for key, value in asked.items() if value})
