"""Setting up a course: its labs from a folder, its people from a roster."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.domain.course import Course, CourseLab, Spec
from grader.domain.errors import Refused, UnknownLab
from grader.domain.people import CredentialKind, Person, Role
from grader.domain.text import clean_line
from grader.ports import LabFolder
from grader.steps.access import issue
from grader.steps.service import Service

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


@dataclass(frozen=True)
class Enrolment:
    """A line of a roster."""

    login: str
    name: str
    email: str
    role: Role
    section: str = ""


def init_course(service: Service, slug: str, title: str, folder: str) -> list[str]:
    """Make a course or bring it up to date, with the labs in `folder`; the ids of labs that changed.

    Raises Refused, BadLab.
    """
    if not SLUG.fullmatch(slug):
        raise Refused(
            f'"{clean_line(slug, 60)}" cannot name a course', "use lower-case letters, digits and hyphens: phase-08"
        )
    service.store.courses.put_course(Course(slug, clean_line(title, 200) or slug, folder))
    service.store.operations.note("operator", slug, "course set up", slug, {"folder": folder}, service.clock())
    return sync_course(service, slug)


def sync_course(service: Service, slug: str) -> list[str]:
    """Read the course's labs again; the ids of those that changed. Raises Refused, BadLab: nothing changes then."""
    course = service.store.courses.course(slug)
    if course is None:
        raise Refused(f'there is no course "{clean_line(slug, 60)}"', "make it: grader course init")
    shelf = service.shelf(course.folder)
    specs = [spec_of(shelf.find(lab)) for lab in shelf.labs()]
    changed = [spec.lab.id for spec in specs if service.store.courses.put_lab(slug, spec)]
    if changed:
        service.store.operations.note("operator", slug, "labs changed", ", ".join(changed), {}, service.clock())
    return changed


def spec_of(folder: LabFolder) -> Spec:
    """What a lab's folder is graded by. Raises BadLab."""
    bundle = folder.bundle()
    manifest = bundle[f"{folder.path}/lab.toml"].decode("utf-8")
    return Spec(folder.spec_digest(), folder.path, manifest, bundle)


def enrol(service: Service, slug: str, rows: Sequence[Enrolment]) -> list[tuple[Person, str | None]]:
    """Give everybody in `rows` their role; each with a one-time login link's secret where they are new here.

    Who is in the course already keeps their access and gets no new link. Raises Refused before anything is changed.
    """
    if service.store.courses.course(slug) is None:
        raise Refused(f'there is no course "{clean_line(slug, 60)}"', "make it: grader course init")
    for row in rows:
        if not LOGIN.fullmatch(row.login):
            raise Refused(
                f'"{clean_line(row.login, 60)}" cannot be a login', "use letters, digits and . _ - + @, at most 100"
            )
    accounts = service.store.accounts
    enrolled: list[tuple[Person, str | None]] = []
    for row in rows:
        is_new = accounts.person(row.login) is None
        person = accounts.put_person(row.login, clean_line(row.name, 200) or row.login, clean_line(row.email, 200))
        accounts.put_member(slug, person.id, row.role, clean_line(row.section, 200))
        enrolled.append((person, issue(service, person, CredentialKind.LINK, "roster").secret if is_new else None))
    service.store.operations.note("operator", slug, "roster imported", slug, {"people": len(rows)}, service.clock())
    return enrolled


def login_link(service: Service, login: str) -> str:
    """A new one-time login link's secret for somebody. Raises Refused."""
    person = service.store.accounts.person(login)
    if person is None:
        raise Refused(f'nobody has the login "{clean_line(login, 60)}"', "add them: grader course import-roster")
    return issue(service, person, CredentialKind.LINK, "login link").secret


def find_lab(service: Service, course: str, prefix: str) -> CourseLab:
    """The lab with this id, or the only one whose id starts so. Raises UnknownLab."""
    labs = service.store.courses.labs(course)
    matches = [lab for lab in labs if lab.id == prefix] or [lab for lab in labs if prefix and lab.id.startswith(prefix)]
    shown = clean_line(prefix, 60)
    if not matches:
        raise UnknownLab(f'no lab is called "{shown}"', f"there are {', '.join(lab.id for lab in labs) or 'none yet'}")
    if len(matches) > 1:
        names = ", ".join(lab.id for lab in matches)
        raise UnknownLab(f'"{shown}" is the start of several labs: {names}', "write one more letter or digit")
    return matches[0]
