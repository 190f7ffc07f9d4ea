"""Reruns and their items as rows and back."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from grader.adapters.sql_store.board_tables import rerun, rerun_item
from grader.adapters.sql_store.standing_rows import load_marks
from grader.adapters.sql_store.tables import job, person, score, submission
from grader.domain.job import ACTIVE, JobState
from grader.domain.report import Verdict
from grader.domain.rerun import Item, Move, Rerun, RerunState, Selection


def from_rerun(one: Rerun) -> dict[str, Any]:
    """A new row of `rerun`."""
    names = ("id", "course", "lab", "spec_digest", "never_lower", "note", "by", "created_at", "ended_at")
    plain = {name: getattr(one, name) for name in names}
    return plain | {"selection": json.dumps(asdict(one.selection)), "state": str(RerunState.RUNNING)}


def read_reruns(db: Connection, query: Select[Any]) -> list[Rerun]:
    """The reruns a query for rows finds, each with what has become of it: all graded, a running one is ready."""
    rows = db.execute(query).mappings().all()
    ids = [row["id"] for row in rows]
    everything = _count(db, ids)
    active = _count(db, ids, ACTIVE)
    return [_to_rerun(row, everything.get(row["id"], 0), active.get(row["id"], 0)) for row in rows]


def _count(db: Connection, ids: Collection[str], states: Collection[JobState] = ()) -> dict[str, int]:
    c = job.c
    query = select(c.rerun_id, func.count()).where(c.rerun_id.in_(ids)).group_by(c.rerun_id)
    if states:
        query = query.where(c.state.in_(states))
    return {rerun_id: count for rerun_id, count in db.execute(query).all()}


def _to_rerun(row: RowMapping, items: int, active: int) -> Rerun:
    names = ("id", "course", "lab", "spec_digest", "never_lower", "note", "by", "created_at", "ended_at")
    state = RerunState(row["state"])
    return Rerun(
        **{name: row[name] for name in names},
        selection=Selection(**json.loads(row["selection"])),
        state=RerunState.READY if state is RerunState.RUNNING and not active else state,
        items=items,
        done=items - active,
    )


_after, _before = job.alias("after_job"), job.alias("before_job")
_won, _had = score.alias("after_score"), score.alias("before_score")


def read_items(db: Connection, rerun_id: str, offset: int = 0, limit: int | None = None) -> list[Item]:
    """Its submissions by login."""
    columns = (
        rerun_item.c.submission_id, submission.c.person_id, person.c.login, person.c.name, rerun_item.c.job_id,
        rerun_item.c.before_job_id, submission.c.counted_job_id, _after.c.state, _after.c.points,
        _before.c.points.label("before"), _won.c.per_test, _won.c.detail, _had.c.per_test.label("tests_before"),
    )  # fmt: skip
    query = _joined(select(*columns)).where(rerun_item.c.rerun_id == rerun_id)
    ordered = query.order_by(person.c.login, submission.c.number, submission.c.id).offset(offset).limit(limit)
    return [_to_item(row) for row in db.execute(ordered).mappings()]


def read_moves(db: Connection, submission_id: str) -> list[Move]:
    """What was applied to a submission, newest first."""
    c = rerun_item.c
    columns = (
        c.rerun_id, c.applied_at, c.reverted_at, rerun.c.note, _after.c.points, _before.c.points.label("before"),
        _won.c.per_test, _had.c.per_test.label("tests_before"),
    )  # fmt: skip
    query = _joined(select(*columns)).where(c.submission_id == submission_id, c.applied_at.is_not(None))
    moves = [_to_move(row) for row in db.execute(query).mappings()]
    return sorted(moves, key=lambda move: move.at, reverse=True)


def _joined(query: Select[Any]) -> Select[Any]:
    return (
        query.select_from(rerun_item)
        .join(rerun, rerun.c.id == rerun_item.c.rerun_id)
        .join(submission, submission.c.id == rerun_item.c.submission_id)
        .join(person, person.c.id == submission.c.person_id)
        .join(_after, _after.c.id == rerun_item.c.job_id)
        .outerjoin(_before, _before.c.id == rerun_item.c.before_job_id)
        .outerjoin(_won, _won.c.job_id == rerun_item.c.job_id)
        .outerjoin(_had, _had.c.job_id == rerun_item.c.before_job_id)
    )


def _to_item(row: RowMapping) -> Item:
    undecided = any(mark.verdict == Verdict.INCONCLUSIVE for mark in load_marks(row["detail"]))
    names = ("submission_id", "person_id", "login", "name", "job_id", "before")
    over = JobState(row["state"]).final
    return Item(
        **{name: row[name] for name in names},
        job_state=row["state"],
        after=row["points"],
        tests_before=_per_test(row["tests_before"]),
        tests_after=_per_test(row["per_test"]),
        unsettled=over and (row["points"] is None or undecided),
        moved_on=row["counted_job_id"] not in (row["before_job_id"], row["job_id"]),
        applied=row["counted_job_id"] == row["job_id"],
        before_job_id=row["before_job_id"] or "",
    )


def _to_move(row: RowMapping) -> Move:
    applied = Move(
        rerun_id=row["rerun_id"],
        at=row["applied_at"],
        note=row["note"],
        before=row["before"],
        after=row["points"],
        tests_before=_per_test(row["tests_before"]),
        tests_after=_per_test(row["per_test"]),
    )
    return applied if row["reverted_at"] is None else replace(applied, at=row["reverted_at"], reverted=True)


def _per_test(text: str | None) -> Mapping[str, int]:
    return dict(json.loads(text)) if text else {}
