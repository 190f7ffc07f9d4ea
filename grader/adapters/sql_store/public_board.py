"""The public board: students who chose to be on it, under their alias, with points and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from grader.adapters.sql_store.board_tables import extension, standing, standing_total
from grader.adapters.sql_store.remembered import Remembered
from grader.adapters.sql_store.rules import rules_of
from grader.adapters.sql_store.tables import lab, member
from grader.domain.job import JobState
from grader.domain.people import Role
from grader.domain.standings import Row, Standing, Total

REMEMBERED_ROWS = 1_000
_Key = tuple[str, int, int, tuple[str, ...]]
_Cells = Mapping[str, Standing]


class PublicBoard:
    """The board with what it read last: a line is read again when its person's total has changed."""

    def __init__(self) -> None:
        self._remembered: Remembered[_Key, _Cells] = Remembered(REMEMBERED_ROWS)

    def rows(self, db: Connection, course: str, now: float, limit: int) -> list[Row]:
        """The first by points. A lab with tests that are hidden from anybody is shown without those of anybody."""
        veiled = _veiled(db, course, now)
        heads = db.execute(_ranked(course, veiled).limit(limit)).all()
        keys: dict[int, _Key] = {head.person_id: (course, head.person_id, head.version, veiled) for head in heads}
        known = self._remembered.those_of(keys.values())
        new = [person_id for person_id, key in keys.items() if key not in known]
        if new:
            fresh = {keys[person_id]: cells for person_id, cells in _cells(db, course, new, veiled).items()}
            self._remembered.keep(fresh)
            known |= fresh
        return [_row(head.alias, int(head.points), known[keys[head.person_id]]) for head in heads]


def _veiled(db: Connection, course: str, now: float) -> tuple[str, ...]:
    """Labs with hidden tests that are not due yet for everybody; an extension makes the whole class wait."""
    rules = rules_of(db, course)
    labs = db.execute(select(lab.c.id).where(lab.c.course == course)).scalars().all()
    hiding = [name for name in labs if rules.of(name).hidden]
    if not hiding:
        return ()
    longest = select(extension.c.lab, func.max(extension.c.extra_s)).where(extension.c.course == course)
    extra: Mapping[str, float] = {name: s for name, s in db.execute(longest.group_by(extension.c.lab)).all()}
    return tuple(name for name in hiding if rules.of(name).extended(extra.get(name, 0.0)).hides(now))


def _ranked(course: str, veiled: Collection[str]) -> Select[Any]:
    m, t, s = member.c, standing_total.c, standing.c
    points: Any = func.coalesce(t.public_points, 0)
    if veiled:
        mine = (s.course == m.course, s.person_id == m.person_id, s.lab.in_(veiled))
        less = func.sum(func.coalesce(s.public_points, 0) - func.coalesce(s.public_open, 0))
        points = points - func.coalesce(select(less).where(*mine).correlate(member).scalar_subquery(), 0)
    ranked = points.label("points")
    own = and_(t.course == m.course, t.person_id == m.person_id)
    query = select(m.person_id, m.alias, func.coalesce(t.version, 0).label("version"), ranked).select_from(
        member.outerjoin(standing_total, own)
    )
    listed = (m.course == course, m.role == str(Role.STUDENT), m.listed, m.alias != "")
    return query.where(*listed).order_by(ranked.desc(), m.alias)


def _cells(
    db: Connection, course: str, people: Sequence[int], veiled: Collection[str]
) -> dict[int, dict[str, Standing]]:
    c = standing.c
    columns = (c.person_id, c.lab, c.public_points, c.public_open, c.max_points)
    found: dict[int, dict[str, Standing]] = {person_id: {} for person_id in people}
    for person_id, name, points, left, most in db.execute(
        select(*columns).where(c.course == course, c.person_id.in_(people), c.public_points.is_not(None))
    ).all():
        found[person_id][name] = _bare(course, name, left if name in veiled else points, most)
    return found


def _bare(course: str, lab_id: str, points: int | None, most: int) -> Standing:
    """A cell that tells points alone: who it is of and what they handed in is nobody's business."""
    return Standing(course, lab_id, 0, points, points, most, 0, 0, "", "", 0, JobState.GRADED, 0.0)


def _row(alias: str, points: int, cells: Mapping[str, Standing]) -> Row:
    most = sum(cell.max_points for cell in cells.values())
    return Row(0, "", "", "", alias, True, Total(points, most, 0), cells)
