"""Scoreboards: reading what `standing_updates` keeps."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)

from grader.adapters.sql_store.board_tables import standing, standing_mark, standing_total
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.folding import ESCAPE, folded, pattern
from grader.adapters.sql_store.public_board import PublicBoard
from grader.adapters.sql_store.remembered import Remembered
from grader.adapters.sql_store.ruling import Ruling
from grader.adapters.sql_store.standing_rows import CELL, load_many, to_standing
from grader.adapters.sql_store.tables import lab, member, person, submission
from grader.domain.marks import TestMark
from grader.domain.people import Role
from grader.domain.standings import Marks, Row, Standing, Total

MOST_ROWS = 1_000
MOST_PUBLIC = 500
REMEMBERED_ROWS = 2_000
_TOTAL = (
    standing_total.c.points,
    standing_total.c.max_points,
    standing_total.c.late_days_used,
    standing_total.c.version,
)
_HEAD = (person.c.id, person.c.login, person.c.name, member.c.section, member.c.alias, member.c.listed, *_TOTAL)
_SORTS: Mapping[str, Any] = {
    "login": person.c.login,
    "name": func.lower(person.c.name),
    "section": member.c.section,
    "points": func.coalesce(standing_total.c.points, -1),
    "last": func.coalesce(standing_total.c.last_at, 0.0),
    "late": func.coalesce(standing_total.c.late_days_used, 0),
}
_BY_LAB = "a lab's points"
_SECTIONS = (
    select(member.c.section)
    .where(member.c.course == bindparam("course"), member.c.role == str(Role.STUDENT), member.c.section != "")
    .distinct()
    .order_by(member.c.section)
)
_REVISION = select(lab.c.revision).where(lab.c.course == bindparam("course"), lab.c.id == bindparam("lab"))
_Cells = Mapping[str, Standing]
_marks: Callable[..., Marks] = Marks  # whose fields come as one long row


class SqlStandings(Ruling, Transactions):
    """Satisfies `Standings`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._remembered: Remembered[tuple[str, int, int], _Cells] = Remembered(REMEMBERED_ROWS)
        self._public = PublicBoard()

    def board(
        self, course: str, *, sort: str = "login", descending: bool = False, section: str = "", search: str = "",
        offset: int = 0, limit: int = 50,
    ) -> tuple[list[Row], int]:  # fmt: skip
        """See `Standings`."""
        with self._read() as db:
            named = sort if sort in _SORTS else _lab_of(db, course, sort)
            page, count = _board_queries(named, descending, bool(section), bool(search))
            given = {"course": course, "lab": sort, "section": section, "pattern": pattern(search)}
            heads = db.execute(page, given | {"offset": max(0, offset), "limit": _bounded(limit)}).all()
            everybody = db.execute(count, given).scalar() or 0
            return self._rows(db, course, heads), everybody

    def mine(self, course: str, person_id: int) -> Row | None:
        """See `Standings`."""
        with self._read() as db:
            heads = db.execute(_MINE, {"course": course, "person_id": person_id}).all()
            return next(iter(self._rows(db, course, heads)), None)

    def public(self, course: str, now: float, *, limit: int = MOST_PUBLIC) -> list[Row]:
        """See `Standings`."""
        with self._read() as db:
            return self._public.rows(db, course, now, min(_bounded(limit), MOST_PUBLIC))

    def marks(self, course: str, lab_id: str, *, offset: int = 0, limit: int = 50) -> list[Marks]:
        """See `Standings`."""
        s, m = standing.c, standing_mark.c
        columns = (s.person_id, person.c.login, person.c.name, member.c.section, s.submission_id, s.points, m.marks,
                   m.solved)  # fmt: skip
        is_student = and_(
            member.c.course == course, member.c.person_id == s.person_id, member.c.role == str(Role.STUDENT)
        )
        its = and_(m.course == course, m.lab == s.lab, m.person_id == s.person_id)
        query = (
            select(*columns)
            .select_from(standing)
            .join(member, is_student)
            .join(person, person.c.id == s.person_id)
            .outerjoin(standing_mark, its)
            .where(s.course == course, s.lab == lab_id)
            .order_by(person.c.login)
            .offset(max(0, offset))
            .limit(_bounded(limit))
        )
        with self._read() as db:
            rows = db.execute(query).all()
        told, solved = load_many((row[6] for row in rows), "[]"), load_many((row[7] for row in rows), "{}")
        return [
            _marks(*row[:6], tuple(map(TestMark._make, tests)), times)
            for row, tests, times in zip(rows, told, solved, strict=True)
        ]

    def revision(self, course: str, lab_id: str) -> int:
        """See `Standings`."""
        with self._read() as db:
            found: int | None = db.execute(_REVISION, {"course": course, "lab": lab_id}).scalar()
        return found or 0

    def sections(self, course: str) -> list[str]:
        """See `Standings`."""
        with self._read() as db:
            return list(db.execute(_SECTIONS, {"course": course}).scalars())

    def counted(self, submission_ids: Sequence[str]) -> dict[str, str]:
        """See `Standings`."""
        c = submission.c
        query = select(c.id, c.counted_job_id).where(c.id.in_(submission_ids), c.counted_job_id.is_not(None))
        with self._read() as db:
            return {submission_id: job_id for submission_id, job_id in db.execute(query).all()}

    def _rows(self, db: Connection, course: str, heads: Sequence[Any]) -> list[Row]:
        """Lines of the board. What is in their cells is remembered for as long as the total has the same version."""
        keys = {head[0]: (course, head[0], head[9]) for head in heads if head[9]}
        known = self._remembered.those_of(keys.values())
        new = [who for who, key in keys.items() if key not in known]
        if new:
            fresh = {keys[who]: cells for who, cells in _cells(db, course, new).items()}
            self._remembered.keep(fresh)
            known |= fresh
        return [_row(head, known[keys[head[0]]] if head[9] else {}) for head in heads]


def _row(head: Sequence[Any], cells: _Cells) -> Row:
    person_id, login, name, section, alias, listed, points, most, late_days, version = head
    total = Total(points or 0, most or 0, late_days or 0)
    return Row(person_id, login, name, section, alias, bool(listed), total, cells, version or 0)


def _lab_of(db: Connection, course: str, sort: str) -> str:
    """The kind of order that a lab's column is. Raises ValueError where there is no such lab."""
    if not db.execute(select(exists().where(lab.c.course == course, lab.c.id == sort))).scalar():
        raise ValueError("a scoreboard is sorted by login, name, section, points, last, late, or the id of a lab")
    return _BY_LAB


def _everybody() -> Select[Any]:
    own = and_(standing_total.c.course == member.c.course, standing_total.c.person_id == member.c.person_id)
    everybody = member.join(person, person.c.id == member.c.person_id).outerjoin(standing_total, own)
    return select(*_HEAD).select_from(everybody).where(member.c.course == bindparam("course"))


_MINE = _everybody().where(member.c.person_id == bindparam("person_id"))


@cache
def _board_queries(sort: str, descending: bool, section: bool, search: bool) -> tuple[Select[Any], Select[Any]]:
    """A page and the count of all: made once for each kind of question, for making them takes longer than asking."""
    wanted: list[ColumnElement[bool]] = [member.c.course == bindparam("course"), member.c.role == str(Role.STUDENT)]
    count = select(func.count()).select_from(member)
    if section:
        wanted.append(member.c.section == bindparam("section"))
    if search:
        count = count.join(person, person.c.id == member.c.person_id)
        like: ColumnElement[str] = bindparam("pattern", type_=String)
        wanted.append(or_(*(folded(c).like(like, escape=ESCAPE) for c in (person.c.login, person.c.name))))
    query = _everybody()
    if sort == _BY_LAB:
        s = standing.c
        cell = and_(s.course == member.c.course, s.person_id == member.c.person_id, s.lab == bindparam("lab"))
        query, order = query.outerjoin(standing, cell), func.coalesce(s.points, -1)
    else:
        order = _SORTS[sort]
    turned = order.desc() if descending else order.asc()
    bounds = {name: bindparam(name, type_=Integer) for name in ("offset", "limit")}
    page = query.where(*wanted).order_by(turned, person.c.login).offset(bounds["offset"]).limit(bounds["limit"])
    return page, count.where(*wanted)


_CELLS = select(*CELL).where(
    standing.c.course == bindparam("course"), standing.c.person_id.in_(bindparam("people", expanding=True))
)


def _cells(db: Connection, course: str, people: Sequence[int]) -> dict[int, dict[str, Standing]]:
    found: dict[int, dict[str, Standing]] = {person_id: {} for person_id in people}
    for row in db.execute(_CELLS, {"course": course, "people": people}).all():
        found[row[2]][row[1]] = to_standing(row)
    return found


def _bounded(limit: int) -> int:
    return min(max(1, limit), MOST_ROWS)
