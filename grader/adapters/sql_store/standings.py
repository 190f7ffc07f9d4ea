"""Scoreboards: reading what `standing_updates` keeps."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Integer, Select, and_, bindparam, select

from grader.adapters.sql_store.board_tables import standing, standing_mark, standing_total
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.public_board import PublicBoard
from grader.adapters.sql_store.remembered import Remembered
from grader.adapters.sql_store.roll import Line, Rolls
from grader.adapters.sql_store.ruling import Ruling
from grader.adapters.sql_store.standing_rows import CELL, load_many, to_standing
from grader.adapters.sql_store.tables import lab, member, person, submission
from grader.domain.marks import TestMark
from grader.domain.people import Role
from grader.domain.standings import Marks, Page, Row, Standing, Total

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
_REVISION = select(lab.c.revision).where(lab.c.course == bindparam("course"), lab.c.id == bindparam("lab"))
_Cells = Mapping[str, Standing]
_marks: Callable[..., Marks] = Marks  # whose fields come as one long row


class SqlStandings(Ruling, Transactions):
    """Satisfies `Standings`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._remembered: Remembered[tuple[str, int, int], _Cells] = Remembered(REMEMBERED_ROWS)
        self._public = PublicBoard()
        self._rolls = Rolls()

    def board(
        self, course: str, *, sort: str = "login", descending: bool = False, section: str = "", search: str = "",
        offset: int = 0, limit: int = 50,
    ) -> Page:  # fmt: skip
        """See `Standings`."""
        first = max(0, offset)
        with self._read() as db:
            roll = self._rolls.of(db, course)
            everybody = self._rolls.ordered(db, roll, sort, descending=descending)
            found = roll.found(everybody, section, search) if section or search else everybody
            rows = self._rows(db, course, [_head(line) for line in found[first : first + _bounded(limit)]])
            return Page(rows, len(found), roll.sections)

    def mine(self, course: str, person_id: int) -> Row | None:
        """See `Standings`."""
        with self._read() as db:
            heads = db.execute(_MINE, {"course": course, "person_id": person_id}).all()
            return next(iter(self._rows(db, course, heads)), None)

    def public(self, course: str, now: float, *, limit: int = MOST_PUBLIC) -> list[Row]:
        """See `Standings`."""
        with self._read() as db:
            return self._public.rows(db, course, now, min(_bounded(limit), MOST_PUBLIC))

    def marks(
        self, course: str, lab_id: str, *, offset: int = 0, limit: int = 50, people: Collection[int] | None = None
    ) -> list[Marks]:
        """See `Standings`."""
        given = {"course": course, "lab": lab_id, "offset": max(0, offset), "limit": _bounded(limit)}
        with self._read() as db:
            rows = db.execute(_MARKS if people is None else _MARKS_OF, {**given, "people": people}).all()
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
            return self._rolls.of(db, course).sections

    def lines(self, course: str) -> Mapping[int, Hashable]:
        """See `Standings`."""
        with self._read() as db:
            return self._rolls.of(db, course).lines

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


def _head(line: Line) -> tuple[Any, ...]:
    """A line as `_HEAD` has it; who has no total yet has no version."""
    sums = (line.points, line.max_points, line.late_days, line.version)
    return line.person_id, line.login, line.name, line.section, line.alias, line.listed, *sums


def _everybody() -> Select[Any]:
    own = and_(standing_total.c.course == member.c.course, standing_total.c.person_id == member.c.person_id)
    everybody = member.join(person, person.c.id == member.c.person_id).outerjoin(standing_total, own)
    return select(*_HEAD).select_from(everybody).where(member.c.course == bindparam("course"))


_MINE = _everybody().where(member.c.person_id == bindparam("person_id"))


def _all_marks() -> Select[Any]:
    s, m = standing.c, standing_mark.c
    columns = (s.person_id, person.c.login, person.c.name, member.c.section, s.submission_id, s.points, m.marks,
               m.solved)  # fmt: skip
    a_student = member.c.role == str(Role.STUDENT)
    is_student = and_(member.c.course == s.course, member.c.person_id == s.person_id, a_student)
    its = and_(m.course == s.course, m.lab == s.lab, m.person_id == s.person_id)
    bounds = {name: bindparam(name, type_=Integer) for name in ("offset", "limit")}
    joined = standing.join(member, is_student).join(person, person.c.id == s.person_id).outerjoin(standing_mark, its)
    here = (s.course == bindparam("course"), s.lab == bindparam("lab"))
    query = select(*columns).select_from(joined).where(*here).order_by(person.c.login)
    return query.offset(bounds["offset"]).limit(bounds["limit"])


_MARKS = _all_marks()
_MARKS_OF = _MARKS.where(standing.c.person_id.in_(bindparam("people", expanding=True)))

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
