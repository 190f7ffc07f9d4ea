"""More time for one student, and who hands in together: the audit log says who gave it, how much, and why."""

from grader.domain.course import CourseLab
from grader.domain.errors import NotFound, Refused
from grader.domain.people import Person, Role, Viewer
from grader.domain.policy import DAY_S, Extension
from grader.domain.text import clean_line
from grader.steps.access import require
from grader.steps.courses import TEAM_CHARACTERS, find_lab
from grader.steps.service import Service

LONGEST_S = 366 * DAY_S
NOTE_CHARACTERS = 200
OPERATOR = "operator"


def extend(
    service: Service, viewer: Viewer, course: str, lab: str, login: str, extra_s: float, note: str
) -> Extension:  # fmt: skip
    """Let a student's due and closing times in a lab lie `extra_s` seconds later, in place of what they had.

    0 takes an extension back. Their standing follows at once. Raises NotFound, NotAllowed, UnknownLab, Refused.
    """
    require(viewer, course, Role.GRADER)
    return grant(service, viewer.person.login, course, lab, login, extra_s, note)


def grant(service: Service, by: str, course: str, lab: str, login: str, extra_s: float, note: str) -> Extension:
    """The same for who works on the machine itself, and needs no role. Raises NotFound, UnknownLab, Refused."""
    person, found = _member(service, course, login), find_lab(service, course, lab)
    _refuse_senseless(service, found, extra_s)
    given = Extension(
        course, found.id, person.id, extra_s, clean_line(note, NOTE_CHARACTERS), by, service.clock()
    )  # fmt: skip
    service.store.standings.extend(given)
    detail = {"lab": found.id, "hours": round(extra_s / 3600, 2), "note": given.note}
    service.store.operations.note(by, course, "extension given", person.login, detail, given.at)
    return given


def put_team(service: Service, by: str, course: str, login: str, team: str) -> Person:
    """Put a member into a team; empty: alone. Whoever calls has the right to. Raises NotFound."""
    person = _member(service, course, login)
    name = clean_line(team, TEAM_CHARACTERS)
    service.store.standings.put_team(course, person.id, name)
    service.store.operations.note(by, course, "team changed", person.login, {"team": name}, service.clock())
    return person


def _member(service: Service, course: str, login: str) -> Person:
    shown = clean_line(login, 60)
    if service.store.courses.course(course) is None:
        raise NotFound(f'there is no course "{clean_line(course, 60)}"', "check its name")
    person = service.store.accounts.person(login)
    if person is None or course not in service.store.accounts.roles(person.id):
        raise NotFound(f'nobody in {course} has the login "{shown}"', "check it among the course's people")
    return person


def _refuse_senseless(service: Service, lab: CourseLab, extra_s: float) -> None:
    if not 0 <= extra_s <= LONGEST_S:
        raise Refused("an extension is of 0 to 366 days", "0 takes it back")
    policy = service.store.standings.rules(lab.course).of(lab.id)
    if policy.due_at is None and policy.closes_at is None:
        raise Refused(f"{lab.id} is neither due nor does it close, so there is nothing to extend", "see course.toml")
