"""The class of a course in memory, so that a board is sorted, searched and paged without asking the database for it.

Every change of a standing raises the revision of its lab, and every change of who is in the course, or how they are
called, raises those of all its labs (`renew`), in the same transaction. So a roll that was read when all revisions were
as they are now is how the class stands now, whichever process changed it last. Revisions are read before what they
stand for: a roll can be newer than it believes, and is then read again, but never older.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select, update

from grader.adapters.sql_store.board_tables import standing, standing_total
from grader.adapters.sql_store.tables import lab, member, person
from grader.domain.people import Role

KEPT = 16
#: Above so many changed lines the whole class is read.
FEW = 200
NOBODY = -1


class Line(NamedTuple):
    """A student: equal lines mean that nothing of their row on the board has changed."""

    person_id: int
    login: str
    name: str
    section: str
    alias: str
    listed: bool
    points: int
    max_points: int
    late_days: int
    last_at: float
    version: int
    lower_login: str
    lower_name: str


_own = and_(standing_total.c.course == member.c.course, standing_total.c.person_id == member.c.person_id)
_LINES = (
    select(
        person.c.id, person.c.login, person.c.name, member.c.section, member.c.alias, member.c.listed,
        func.coalesce(standing_total.c.points, 0), func.coalesce(standing_total.c.max_points, 0),
        func.coalesce(standing_total.c.late_days_used, 0), func.coalesce(standing_total.c.last_at, 0.0),
        func.coalesce(standing_total.c.version, 0),
    )
    .select_from(member.join(person, person.c.id == member.c.person_id).outerjoin(standing_total, _own))
    .where(member.c.course == bindparam("course"), member.c.role == str(Role.STUDENT))
)  # fmt: skip
_SOME = _LINES.where(member.c.person_id.in_(bindparam("people", expanding=True)))
_REVISIONS = select(lab.c.id, lab.c.revision).where(lab.c.course == bindparam("course"))
_VERSIONS = select(standing_total.c.person_id, standing_total.c.version).where(
    standing_total.c.course == bindparam("course")
)
_COLUMN = select(standing.c.person_id, standing.c.points).where(
    standing.c.course == bindparam("course"), standing.c.lab == bindparam("lab")
)
_PART = _COLUMN.where(standing.c.person_id.in_(bindparam("people", expanding=True)))


def renew(db: Connection, courses: Collection[str]) -> None:
    """Tell everybody that who is in these courses, or how they are called, has changed. The courses are held."""
    db.execute(update(lab).where(lab.c.course.in_(courses)).values(revision=lab.c.revision + 1))


@dataclass(frozen=True)
class Roll:
    """The students of a course when its labs had these revisions. `columns` are points by lab and person, of the labs
    that somebody sorted by; `orders` the sorted lines."""

    course: str
    revisions: Mapping[str, int]
    lines: Mapping[int, Line] = field(repr=False)
    columns: dict[str, Mapping[int, int]] = field(default_factory=dict, repr=False)
    orders: dict[tuple[str, bool], list[Line]] = field(default_factory=dict, repr=False)
    sections: list[str] = field(default_factory=list)

    def found(self, order: Iterable[Line], section: str, search: str) -> list[Line]:
        """Those of the section, all for "", with this plain text in login or name, whatever its case."""
        lines = [line for line in order if line.section == section] if section else list(order)
        if not search:
            return lines
        part = search.lower()
        return [line for line in lines if part in line.lower_login or part in line.lower_name]


class Rolls:
    """The rolls of the courses that were looked at last. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, Roll] = OrderedDict()

    def of(self, db: Connection, course: str) -> Roll:
        """The class as it is now."""
        revisions = {name: revision for name, revision in db.execute(_REVISIONS, {"course": course}).all()}
        with self._lock:
            old = self._kept.get(course)
        if old is not None and old.revisions == revisions and revisions:
            return old
        new = _mended(db, old, revisions) if old is not None and _same_people(old, revisions) else None
        if new is None:
            lines = {line.person_id: line for line in map(_line, db.execute(_LINES, {"course": course}).all())}
            new = Roll(course, revisions, lines, sections=sorted({line.section for line in lines.values()} - {""}))
        with self._lock:
            self._kept[course] = new
            self._kept.move_to_end(course)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return new

    def ordered(self, db: Connection, roll: Roll, sort: str, *, descending: bool) -> list[Line]:
        """Its lines by login, name, section, points, last, late or the points in a lab; equals by login.

        Raises ValueError for anything else.
        """
        if sort not in SORTS and sort not in roll.revisions:
            raise ValueError("a scoreboard is sorted by login, name, section, points, last, late, or the id of a lab")
        kept = roll.orders.get((sort, descending))
        if kept is not None:
            return kept
        lines = sorted(roll.lines.values(), key=lambda line: line.login)
        if sort == "points":  # who has no total yet comes before who has earned nothing
            lines.sort(key=lambda line: line.points if line.version else NOBODY, reverse=descending)
        elif sort in _FIELDS:
            at = Line._fields.index(_FIELDS[sort])
            lines.sort(key=lambda line: line[at], reverse=descending)
        else:
            points = self._column(db, roll, sort)
            lines.sort(key=lambda line: points.get(line.person_id, NOBODY), reverse=descending)
        roll.orders[sort, descending] = lines
        return lines

    def _column(self, db: Connection, roll: Roll, name: str) -> Mapping[int, int]:
        if name not in roll.columns:
            rows = db.execute(_COLUMN, {"course": roll.course, "lab": name}).all()
            roll.columns[name] = {person_id: NOBODY if points is None else points for person_id, points in rows}
        return roll.columns[name]


_FIELDS = {"login": "login", "name": "lower_name", "section": "section", "last": "last_at", "late": "late_days"}
SORTS = frozenset({*_FIELDS, "points"})


def _line(row: Iterable[object]) -> Line:
    person_id, login, name, section, alias, listed, *rest = row
    return Line._make((person_id, login, name, section, alias, bool(listed), *rest, str(login).lower(),
                       str(name).lower()))  # fmt: skip


def _same_people(old: Roll, revisions: Mapping[str, int]) -> bool:
    """Whether some lab is as it was: then nobody came, left or was renamed."""
    before = old.revisions
    return before.keys() == revisions.keys() and any(before[name] == revisions[name] for name in revisions)


def _mended(db: Connection, old: Roll, revisions: Mapping[str, int]) -> Roll | None:
    """The old roll with the lines that have changed; None where those are many."""
    versions = db.execute(_VERSIONS, {"course": old.course}).all()
    changed = [one for one, version in versions if one in old.lines and old.lines[one].version != version]
    if len(changed) > FEW:
        return None
    given = {"course": old.course, "people": changed}
    fresh = {line.person_id: line for line in map(_line, db.execute(_SOME, given).all())} if changed else {}
    columns = dict(old.columns)
    for name in [name for name in columns if old.revisions[name] != revisions[name]] if changed else ():
        rows = db.execute(_PART, {**given, "lab": name}).all()
        points = {person_id: NOBODY if points is None else points for person_id, points in rows}
        columns[name] = {**columns[name], **dict.fromkeys(changed, NOBODY), **points}
    return Roll(old.course, revisions, {**old.lines, **fresh}, columns, sections=old.sections)
