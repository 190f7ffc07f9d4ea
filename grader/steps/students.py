"""One student of a course: where they stand, what they handed in. For graders, and for the student themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.domain.course import CourseLab, Handed, Handin
from grader.domain.difference import Difference, compare
from grader.domain.errors import NotFound, Refused
from grader.domain.people import Person, Role, Viewer
from grader.domain.policy import Extension
from grader.domain.policy_lines import Situation
from grader.domain.standings import Row
from grader.steps import rules, viewing
from grader.steps.access import require
from grader.steps.service import Service
from grader.steps.viewing import View


@dataclass(frozen=True)
class InLab:
    """A lab and the student's own rules in it; `extension` is None where they have no more time than others."""

    lab: CourseLab
    situation: Situation
    extension: Extension | None


@dataclass(frozen=True)
class Student:
    """A student as a viewer may see them. `row` and `history` are without what is hidden from the viewer.

    `team` are the logins of who hands in with them in group labs; `unread` what they were told and have not read.
    """

    person: Person
    row: Row
    labs: list[InLab]
    history: list[Handed]
    late_days: int
    late_left: int
    team: list[str]
    unread: list[Mapping[str, object]]


@dataclass(frozen=True)
class FileDifference:
    """One file of two submissions; `kind` is same, changed, added or removed."""

    path: str
    kind: str
    difference: Difference


@dataclass(frozen=True)
class Ended:
    """How a test ended in one of them; an empty verdict and no points where there is no result of it."""

    verdict: str = ""
    points: int | None = None
    most: int = 0


@dataclass(frozen=True)
class TestChange:
    """One test in two submissions."""

    name: str
    claim: str
    before: Ended
    after: Ended

    @property
    def changed(self) -> bool:
        """Whether both have a result, and not the same."""
        return bool(self.before.verdict and self.after.verdict) and self.before != self.after


@dataclass(frozen=True)
class Comparison:
    """Two submissions of one lab, `a` the older one. `choice` are others of the same student to compare with."""

    a: View
    b: View
    files: list[FileDifference]
    tests: list[TestChange]
    choice: list[Handed]


def student(service: Service, viewer: Viewer, course: str, login: str, *, before: str = "", limit: int = 50) -> Student:
    """Raises NotFound for who is no member, and for everybody whom the viewer may not see alike."""
    require(viewer, course, Role.STUDENT)
    person = service.store.accounts.person(login)
    if person is None or not viewer.may_see(course, person.id):
        raise _nobody()
    row = service.store.standings.mine(course, person.id)
    if row is None:
        raise _nobody()
    labs = service.store.courses.labs(course)
    ruling, standings = service.store.standings.rules(course), service.store.standings
    given = {one.lab: one for one in standings.extensions(course, person_id=person.id) if one.extra_s}
    members = service.store.accounts.people(standings.team(course, person.id)).values()
    return Student(
        person=person,
        row=rules.row_seen(service, viewer, course, row),
        labs=[InLab(lab, _situation(service, lab, person.id), given.get(lab.id)) for lab in labs],
        history=viewing.handed_in(service, viewer, course, person_id=person.id, lab=None, before=before, limit=limit),
        late_days=ruling.late_days,
        late_left=rules.free_left(ruling, row),
        team=sorted(member.login for member in members if member.id != person.id),
        unread=_unread(service, viewer, course, person),
    )


def comparison(service: Service, viewer: Viewer, course: str, a: str, b: str) -> Comparison:
    """Two submissions side by side, the older one first. Raises NotFound; Refused for two different labs."""
    require(viewer, course, Role.STUDENT)
    views = [viewing.view(service, viewer, submission_id) for submission_id in (a, b)]
    if any(view.handin.course != course for view in views):
        raise NotFound("there is no such submission in this course", "check the address")
    if views[0].handin.lab != views[1].handin.lab:
        raise Refused("these submissions are for two different labs", "compare two of one lab")
    old, new = sorted(views, key=lambda view: (view.handin.created_at, view.handin.number))
    files = [_files(service, view.handin) for view in (old, new)]
    return Comparison(old, new, _differences(*files), _tests(old, new), new.earlier)


def _nobody() -> NotFound:
    return NotFound("there is no such student, or you may not see their page", "check the login")


def _situation(service: Service, lab: CourseLab, person_id: int) -> Situation:
    """Times alone: what is left of a cap is on the lab's page."""
    found = rules.situation(service, lab.course, lab.id, person_id)
    return replace(found, policy=replace(found.policy, cap=None))


def _unread(service: Service, viewer: Viewer, course: str, person: Person) -> list[Mapping[str, Any]]:
    if not viewer.may(course, Role.GRADER) or viewer.person.id == person.id:
        return []  # their own stand above every page
    return [one for one in service.store.notices.unseen(person.id) if one["course"] == course]


def _files(service: Service, handin: Handin) -> dict[str, str]:
    found = service.store.submissions.files(handin.digest)
    return {path: data.decode("utf-8-sig", "replace") for path, data in (found.files if found else {}).items()}


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[FileDifference]:
    return [_difference(path, old.get(path), new.get(path)) for path in dict.fromkeys((*old, *new))]


def _difference(path: str, old: str | None, new: str | None) -> FileDifference:
    found = compare(old or "", new or "")
    if old is None or new is None:
        return FileDifference(path, "added" if old is None else "removed", found)
    return FileDifference(path, "changed" if found.hunks or found.note else "same", found)


def _tests(old: View, new: View) -> list[TestChange]:
    """The tests of both, in the newer one's order."""
    claims = {test.name: test.claim for test in (*new.lab.tests, *old.lab.tests)}
    return [TestChange(name, claim, _ended(old, name), _ended(new, name)) for name, claim in claims.items()]


def _ended(view: View, name: str) -> Ended:
    spec = view.lab.test(name)
    if view.report is None or view.score is None or spec is None or name not in view.score.per_test:
        return Ended()
    return Ended(str(view.report.of(name).verdict), view.score.per_test[name], 0 if spec.stretch else spec.points)
