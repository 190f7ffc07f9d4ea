"""Standings follow what they are made of, in the same transaction.

Whoever changes anything that a standing depends on holds the course first (`hold`), so that two results which come in
at once are worked out one after the other, and the later one sees the earlier. SQLite has one writer anyway.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, text, update

from grader.adapters.sql_store.board_tables import standing, standing_mark, standing_total
from grader.adapters.sql_store.entries import Scored, read_entries
from grader.adapters.sql_store.rules import extra_time, rules_of, teams
from grader.adapters.sql_store.standing_rows import CELL, PEOPLE, from_standing, of_people, to_standing
from grader.adapters.sql_store.tables import lab
from grader.domain.policy import CourseRules, Policy
from grader.domain.standings import Entry, Standing, spend, stand, total

#: People whose standings are worked out at once: few enough for one statement.
AT_ONCE = 250
#: The advisory locks of Postgres that are ours.
_COURSES = 0x67726463
#: The rows there are, but for what `settle` writes.
_KEPT = select(*(one for one in standing.c if one.name not in ("points", "free_days", "public_points"))).where(
    *of_people(standing)
)
_MARKS = select(standing_mark).where(*of_people(standing_mark))
_CELLS = select(*CELL, standing.c.public_points, standing.c.public_raw, standing.c.public_late).where(
    standing.c.course == bindparam("course"), standing.c.person_id.in_(PEOPLE)
)
_VERSIONS = select(standing_total.c.person_id, standing_total.c.version).where(
    standing_total.c.course == bindparam("course"), standing_total.c.person_id.in_(PEOPLE)
)
_REVISED = (
    update(lab)
    .where(lab.c.course == bindparam("of_course"), lab.c.id.in_(bindparam("labs", expanding=True)))
    .values(revision=lab.c.revision + 1)
)
_HOLD = "SELECT pg_advisory_xact_lock(:ours, hashtext(:course))"
_HOLD_OF = "SELECT pg_advisory_xact_lock(:ours, hashtext(course)) FROM job WHERE id = :job_id"


def hold(db: Connection, course: str) -> None:
    """Until this transaction ends, nobody else's changes standings of the course. Take it before any row is locked."""
    if db.dialect.name == "postgresql":
        db.execute(text(_HOLD), {"ours": _COURSES, "course": course})


def hold_course_of(db: Connection, job_id: str) -> None:
    """The same for the course of a job."""
    if db.dialect.name == "postgresql":
        db.execute(text(_HOLD_OF), {"ours": _COURSES, "job_id": job_id})


def restand(db: Connection, course: str, lab_id: str, people: Iterable[int], *, marks: bool = True) -> None:
    """Work out again where these people stand in a lab, and what follows from it for their totals.

    `marks`: unless no score can have changed. The course is held.
    """
    rules = rules_of(db, course)
    for some in chunks(people):
        changed = stand_again(db, course, lab_id, some, rules, marks=marks)
        settle(db, course, changed, rules, {lab_id} if changed else set())


def chunks(people: Iterable[int]) -> Iterator[list[int]]:
    """`AT_ONCE` of them at a time."""
    rest = iter(sorted(set(people)))
    while some := list(islice(rest, AT_ONCE)):
        yield some


def stand_again(
    db: Connection, course: str, lab_id: str, people: Collection[int], rules: CourseRules, *, marks: bool = True
) -> set[int]:
    """Work out the standings in one lab alone; whose changed. `settle` has to follow for those."""
    policy = rules.of(lab_id)
    together = teams(db, course, policy, people)
    everybody = tuple(together)
    extra = extra_time(db, course, lab_id, everybody)
    scored = read_entries(db, course, lab_id, everybody, policy.hidden, marks=marks)
    before = _read(db, course, lab_id, everybody)
    rows: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    gone: list[int] = []
    for person_id, team in together.items():
        entries = scored.of(team)
        own = policy.extended(max(extra.get(one, 0.0) for one in team))
        found = stand(course, lab_id, person_id, entries, own)
        if found is None:
            gone += [person_id] if person_id in before else []
            continue
        row = from_standing(found) | _public(found, entries, own, rules.frozen_at)
        if row != before.get(person_id):
            rows.append({**row, "points": found.points, "free_days": 0, "public_points": row["public_raw"]})
        if marks:
            told.append(_marks(found, entries, scored))
    _write(db, standing, rows, {row["person_id"] for row in rows} & set(before))
    changed = {row["person_id"] for row in rows} | set(gone)
    if gone:
        _forget(db, course, lab_id, gone)
    if told:
        changed |= _write_marks(db, course, lab_id, told)
    return changed


def settle(db: Connection, course: str, people: Collection[int], rules: CourseRules, labs: set[str]) -> None:
    """Spend free days and sum up for these people; `labs` changed already, and with those that change by it they are
    new to whoever looks at them."""
    changed = set(labs)
    for some in chunks(people):
        cells: dict[int, list[tuple[Any, ...]]] = {person_id: [] for person_id in some}
        for row in db.execute(_CELLS, {"course": course, "people": some}).all():
            cells[row[2]].append(tuple(row))
        settled = [_settled(course, person_id, cells[person_id], rules) for person_id in some]
        updates = [row for _, rows in settled for row in rows]
        if updates:
            _update(db, standing, updates)
            changed |= {row["lab"] for row in updates}
        _write_totals(db, course, [sums for sums, _ in settled])
    if changed:
        db.execute(_REVISED, {"of_course": course, "labs": sorted(changed)})


def _read(db: Connection, course: str, lab_id: str, people: Collection[int]) -> dict[int, dict[str, Any]]:
    found = db.execute(_KEPT, {"course": course, "lab": lab_id, "people": list(people)})
    return {row["person_id"]: dict(row) for row in found.mappings()}


def _public(found: Standing, entries: list[Entry], policy: Policy, frozen_at: float | None) -> dict[str, Any]:
    """What the public board may know: of what was handed in before it was frozen."""
    old = [entry for entry in entries if frozen_at is None or entry.created_at < frozen_at]
    seen = found if len(old) == len(entries) else stand(found.course, found.lab, found.person_id, old, policy)
    if seen is None:
        return {"public_raw": None, "public_late": 0, "public_open": None}
    left = seen.open.points if seen.open else seen.raw_points
    return {"public_raw": seen.raw_points, "public_late": seen.late_days, "public_open": left}


def _settled(
    course: str, person_id: int, rows: list[tuple[Any, ...]], rules: CourseRules
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One person's total, and those of their standings that it changes."""
    cells = [to_standing(row) for row in rows]
    spent = spend(cells, rules)
    frozen = [replace(c, raw_points=row[17], late_days=row[18]) for c, row in zip(cells, rows, strict=True)]
    public = spent if rules.frozen_at is None else spend(frozen, rules)
    updates = [
        {"course": course, "person_id": person_id, "lab": new.lab, "points": new.points, "free_days": new.free_days,
         "public_points": shown.points}
        for old, row, new, shown in zip(cells, rows, spent, public, strict=True)
        if (old.points, old.free_days, row[16]) != (new.points, new.free_days, shown.points)
    ]  # fmt: skip
    sums = total(spent, rules)
    return {
        "course": course,
        "person_id": person_id,
        **vars(sums),
        "last_at": max((cell.last_at for cell in cells), default=0.0),
        "public_points": sum(one.points or 0 for one in public),
    }, updates


def _marks(found: Standing, entries: list[Entry], scored: Scored) -> dict[str, Any]:
    return {
        "course": found.course,
        "lab": found.lab,
        "person_id": found.person_id,
        "marks": scored.marks.get(found.job_id, ""),
        "solved": json.dumps(scored.solved(entries), separators=(",", ":")),
    }


def _write_marks(db: Connection, course: str, lab_id: str, rows: list[dict[str, Any]]) -> set[int]:
    """Keep those that are new; whose they are."""
    theirs = {"course": course, "lab": lab_id, "people": [row["person_id"] for row in rows]}
    before = {row["person_id"]: dict(row) for row in db.execute(_MARKS, theirs).mappings()}
    new = [row for row in rows if row != before.get(row["person_id"])]
    _write(db, standing_mark, new, set(before))
    return {row["person_id"] for row in new}


def _write_totals(db: Connection, course: str, rows: list[dict[str, Any]]) -> None:
    theirs = {"course": course, "people": [row["person_id"] for row in rows]}
    before = {person_id: version for person_id, version in db.execute(_VERSIONS, theirs).all()}
    versioned = [{**row, "version": before.get(row["person_id"], 0) + 1} for row in rows]
    _write(db, standing_total, versioned, set(before))


def _write(db: Connection, table: Any, rows: list[dict[str, Any]], there: Collection[int]) -> None:
    """Update the rows of who is `there`, insert the others."""
    if fresh := [row for row in rows if row["person_id"] not in there]:
        db.execute(insert(table), fresh)
    if known := [row for row in rows if row["person_id"] in there]:
        _update(db, table, known)


def _update(db: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    keys = [column.name for column in table.primary_key]
    renamed: list[Mapping[str, Any]] = [
        {f"_{name}" if name in keys else name: value for name, value in row.items()} for row in rows
    ]
    db.execute(_by_key(table, tuple(name for name in rows[0] if name not in keys)), renamed)


@cache
def _by_key(table: Any, names: tuple[str, ...]) -> Any:
    """The statement that sets these columns of one row."""
    here = and_(*(column == bindparam(f"_{column.name}") for column in table.primary_key))
    return update(table).where(here).values({name: bindparam(name) for name in names})


def _forget(db: Connection, course: str, lab_id: str, people: Collection[int]) -> None:
    """Whoever left a team has not handed in by that."""
    for table in (standing, standing_mark):
        c = table.c
        db.execute(delete(table).where(c.course == course, c.lab == lab_id, c.person_id.in_(people)))
