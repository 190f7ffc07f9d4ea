"""The scoreboard of a course, for graders; the public one, for everybody in it; and the gradebooks made of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.domain.course import CourseLab
from grader.domain.errors import NotAllowed, NotFound, Refused
from grader.domain.exports import Graded
from grader.domain.people import Person, Role, Viewer
from grader.domain.standings import Page, Row, Standing
from grader.domain.text import clean_line
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.rules import policy_of
from grader.steps.service import Service

#: More than any course's students; what a table is exported of at most, read so many at a time.
MOST_ROWS = 20_000
CHUNK = 1_000
ALIAS_CHARACTERS = 40
#: What a board is sorted by, beside the id of a lab.
SORTS = ("login", "name", "section", "points", "late", "last")


@dataclass(frozen=True)
class Wanted:
    """Which students of a board, in which order: `sort` is one of SORTS or a lab's id."""

    sort: str = "login"
    descending: bool = False
    section: str = ""
    search: str = ""


@dataclass(frozen=True)
class Board:
    """A page of a scoreboard: these of `everybody` students that were asked for."""

    rows: list[Row]
    everybody: int
    labs: list[CourseLab]
    sections: list[str]


@dataclass(frozen=True)
class PublicBoard:
    """What everybody in a course may see: aliases and points, as they were at `frozen_at` once that is past.

    `alias` and `listed` are the viewer's own choice, `may_choose` whether they have one: only students are on it.
    """

    rows: list[Row]
    labs: list[CourseLab]
    frozen_at: float | None
    zone: str
    alias: str
    listed: bool
    may_choose: bool


def board(service: Service, viewer: Viewer, course: str, wanted: Wanted, *, offset: int, limit: int) -> Board:
    """Students by labs, for graders. Raises NotFound, NotAllowed, and NotFound for a column there is not."""
    require(viewer, course, Role.GRADER)
    page = _page(service, course, wanted, offset, limit)
    return Board(page.rows, page.everybody, service.store.courses.labs(course), page.sections)


def every_row(service: Service, viewer: Viewer, course: str, wanted: Wanted) -> Iterator[Row]:
    """All the students that are wanted, at most MOST_ROWS, for graders."""
    require(viewer, course, Role.GRADER)
    for offset in range(0, MOST_ROWS, CHUNK):
        rows = _page(service, course, wanted, offset, CHUNK).rows
        yield from rows
        if len(rows) < CHUNK:
            return


def public(service: Service, viewer: Viewer, course: str) -> PublicBoard:
    """The public board, for everybody in the course. Raises NotFound for everybody else."""
    require(viewer, course, Role.STUDENT)
    standings, now = service.store.standings, service.clock()
    rules = standings.rules(course)
    own = standings.mine(course, viewer.person.id)
    frozen = rules.frozen_at if rules.frozen_at is not None and rules.frozen_at <= now else None
    return PublicBoard(
        rows=standings.public(course, now),
        labs=service.store.courses.labs(course),
        frozen_at=frozen,
        zone=rules.timezone,
        alias=own.alias if own else "",
        listed=own.listed if own else False,
        may_choose=viewer.roles[course] is Role.STUDENT,
    )


def list_me(service: Service, viewer: Viewer, course: str, alias: str, listed: bool) -> None:
    """Be on the public board under that alias, or not be on it. Raises Refused for an alias that cannot be had."""
    require(viewer, course, Role.STUDENT)
    if viewer.roles[course] is not Role.STUDENT:
        raise NotAllowed("only students are on the public board", "there is nothing to choose")
    name = clean_line(alias, ALIAS_CHARACTERS + 1).strip()
    if listed and not name:
        raise Refused("nobody is on the public board without an alias", "choose one that tells nobody who you are")
    if len(name) > ALIAS_CHARACTERS:
        raise Refused(f"an alias has at most {ALIAS_CHARACTERS} characters", "choose a shorter one")
    if name and _is_somebody_else(service, course, viewer.person, name):
        raise Refused("this alias is the name of somebody else in the course", "choose another one")
    if not service.store.standings.list_me(course, viewer.person.id, name, listed):
        raise Refused("somebody else has this alias", "choose another one")


def graded(service: Service, viewer: Viewer, course: str, lab: str) -> tuple[CourseLab, list[Graded]]:
    """What gradebooks want to know of a lab: every student by login, for graders. Raises UnknownLab."""
    require(viewer, course, Role.GRADER)
    found = find_lab(service, course, lab)
    rows = list(every_row(service, viewer, course, Wanted()))
    emails = _emails(service, [row.person_id for row in rows])
    return found, [_graded(service, found, row, emails.get(row.person_id, "")) for row in rows]


def _page(service: Service, course: str, wanted: Wanted, offset: int, limit: int) -> Page:
    try:
        return service.store.standings.board(
            course, sort=wanted.sort, descending=wanted.descending, section=wanted.section, search=wanted.search,
            offset=offset, limit=limit,
        )  # fmt: skip
    except ValueError:
        shown = clean_line(wanted.sort, 60)
        raise NotFound(f'the scoreboard has no column "{shown}"', "sort it by one of its heads") from None


def _is_somebody_else(service: Service, course: str, person: Person, alias: str) -> bool:
    wanted = alias.casefold()
    found = service.store.standings.board(course, search=alias, limit=CHUNK).rows
    return any(row.person_id != person.id and wanted in (row.login.casefold(), row.name.casefold()) for row in found)


def _emails(service: Service, people: list[int]) -> Mapping[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(people), CHUNK):
        some = service.store.accounts.people(people[start : start + CHUNK])
        found |= {person.id: person.email for person in some.values()}
    return found


def _graded(service: Service, lab: CourseLab, row: Row, email: str) -> Graded:
    cell = row.cells.get(lab.id)
    moment, late = _handed_in(service, lab, cell) if cell else (None, 0.0)
    return Graded(
        login=row.login, name=row.name, email=email, section=row.section, points=cell.points if cell else None,
        max_points=(cell.max_points if cell else 0) or lab.max_score, submission_id=cell.submission_id if cell else "",
        handed_in_at=moment, late_s=late, attempts=cell.attempts if cell else 0,
    )  # fmt: skip


def _handed_in(service: Service, lab: CourseLab, cell: Standing) -> tuple[float, float]:
    """When what counts was handed in, and how many seconds too late; of the newest where nothing counts."""
    handin = service.store.submissions.get(cell.submission_id) if cell.submission_id else None
    moment = handin.created_at if handin else cell.last_at
    if not cell.late_days:
        return moment, 0.0
    due = policy_of(service, lab.course, lab.id, cell.person_id).due_at
    return moment, 0.0 if due is None else max(0.0, moment - due)
