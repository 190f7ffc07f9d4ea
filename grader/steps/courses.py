"""Setting up a course: its labs from a folder, its people from a roster."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.domain.course import Course, CourseLab, Spec
from grader.domain.course_rules import FILE as RULES
from grader.domain.course_rules import read_rules
from grader.domain.errors import Refused, UnknownLab
from grader.domain.people import CredentialKind, Person, Role
from grader.domain.text import clean_line
from grader.ports import LabFolder
from grader.steps.access import issue
from grader.steps.calibrated import calibration_of
from grader.steps.service import Service
from grader.steps.viewing import the_spec

log = logging.getLogger(__name__)

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TEAM_CHARACTERS = 100
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


@dataclass(frozen=True)
class Enrolment:
    """A line of a roster. `team` None leaves a member in the team they are in; empty takes them out of it."""

    login: str
    name: str
    email: str
    role: Role
    section: str = ""
    team: str | None = None


def init_course(service: Service, slug: str, title: str, folder: str) -> list[str]:
    """Make a course or bring it up to date, with the labs in `folder`; what changed, as `sync_course` says.

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
    """Read the course's labs and rules again; the ids of the labs that changed, and course.toml if the rules did.

    Raises Refused, BadLab: nothing changes then.
    """
    course = service.store.courses.course(slug)
    if course is None:
        raise Refused(f'there is no course "{clean_line(slug, 60)}"', "make it: grader course init")
    shelf = service.shelf(course.folder)
    found = [(spec_of(folder), folder.calibration()) for folder in map(shelf.find, shelf.labs())]
    text = shelf.rules()
    known = {lab.id: the_spec(service, lab.spec_digest).lab for lab in service.store.courses.labs(slug)}
    read_rules(text, {**known, **{spec.lab.id: spec.lab for spec, _ in found}})  # before anything is changed
    put = service.store.courses.put_lab
    changed = [spec.lab.id for spec, calibration in found if put(slug, spec, calibration)]
    for spec, calibration in found:
        if doubts := calibration_of(spec, calibration).doubts:
            log.warning("lab %s of %s: %s", spec.lab.id, slug, "; ".join(doubts))
    if changed:
        service.store.operations.note("operator", slug, "labs changed", ", ".join(changed), {}, service.clock())
    if _new_rules(service, slug, text):
        service.store.operations.note("operator", slug, "rules changed", RULES, {}, service.clock())
        changed.append(RULES)
    return changed


def _new_rules(service: Service, slug: str, text: str) -> bool:
    """Keep the rules; whether they say anything else than before, a lab that is new having had none."""
    standings = service.store.standings
    before = standings.rules(slug)
    if not standings.put_rules(slug, text):
        return False
    after, labs = standings.rules(slug), service.store.courses.labs(slug)
    of_all = [(rules.late_days, rules.frozen_at, rules.timezone) for rules in (before, after)]
    return of_all[0] != of_all[1] or any(before.of(lab.id) != after.of(lab.id) for lab in labs)


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
        if row.team is not None:
            service.store.standings.put_team(slug, person.id, clean_line(row.team, TEAM_CHARACTERS))
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
