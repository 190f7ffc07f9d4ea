"""Standings as rows and back, and which job of a submission is shown."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select

from grader.adapters.sql_store.board_tables import standing
from grader.adapters.sql_store.rows import to_job
from grader.adapters.sql_store.tables import job, submission
from grader.domain.job import ACTIVE, Job, JobState
from grader.domain.marks import TestMark
from grader.domain.report import Verdict
from grader.domain.standings import Open, Standing

PEOPLE: Any = bindparam("people", expanding=True)
_SHOWN = (
    select(job, submission.c.counted_job_id)
    .select_from(job.join(submission, submission.c.id == job.c.submission_id))
    .where(submission.c.id.in_(bindparam("ids", expanding=True)))
)
_standing: Callable[..., Standing] = Standing  # whose fields come as one long row
_PASSED = str(Verdict.PASSED)
_ACTIVE = frozenset(map(str, ACTIVE))
#: The columns `to_standing` reads, in its order.
CELL = tuple(
    standing.c[name]
    for name in (
        "course", "lab", "person_id", "points", "raw_points", "max_points", "hidden_points", "late_days",
        "submission_id", "job_id", "attempts", "state", "last_at", "spark", "free_days", "open",
    )
)  # fmt: skip


def of_people(table: Any) -> tuple[ColumnElement[bool], ...]:
    """The condition that a row is of a lab and of some people: for statements asked with `course`, `lab`, `people`."""
    c = table.c
    return c.course == bindparam("course"), c.lab == bindparam("lab"), c.person_id.in_(PEOPLE)


def to_standing(row: Sequence[Any]) -> Standing:
    """A row of `CELL`."""
    *plain, state, last_at, spark, free_days, without = row[: len(CELL)]
    left = json.loads(without) if without else None
    still = Open(left[0], left[1], left[2], tuple(left[3])) if left else None
    return _standing(*plain, JobState(state), last_at, tuple(json.loads(spark)), free_days, still)


def from_standing(one: Standing) -> dict[str, Any]:
    """What a row of `standing` says that does not depend on other labs: all but points, free days and the public's."""
    names = ("course", "lab", "person_id", "raw_points", "max_points", "hidden_points", "late_days", "submission_id",
             "job_id", "attempts", "last_at")  # fmt: skip
    left = one.open
    return {name: getattr(one, name) for name in names} | {
        "state": str(one.state),
        "spark": json.dumps(one.spark, separators=(",", ":")),
        "open": json.dumps([left.points, left.submission_id, left.job_id, left.spark]) if left else None,
    }


def dump_marks(marks: Iterable[TestMark]) -> str:
    """Marks as one value."""
    return json.dumps([(mark.test, mark.verdict, mark.cause, mark.margin) for mark in marks], separators=(",", ":"))


def load_marks(text: str | None) -> tuple[TestMark, ...]:
    """What `dump_marks` made; none of a score that is older than they are."""
    return tuple(map(TestMark._make, json.loads(text))) if text else ()


def load_many(texts: Iterable[str | None], empty: str) -> list[Any]:
    """Many small values of JSON as one large one, which takes half the time; `empty` for those that are none."""
    return cast(list[Any], json.loads(f"[{','.join(text or empty for text in texts)}]"))


def passed_tests(text: str | None) -> list[str]:
    """The tests that passed by what `dump_marks` made."""
    return [test for test, verdict, _, _ in json.loads(text) if verdict == _PASSED] if text else []


def newest_and_counted(rows: Iterable[Any], counted: str | None) -> Any:
    """The row of the job to show among a submission's: the newest outside of reruns if it is active or newer than the
    job that counts, else the one that counts. Rows have id, state, created_at and rerun_id."""
    jobs = list(rows)
    own = max((one for one in jobs if not one.rerun_id), key=lambda one: (one.created_at, one.id))
    counts = next((one for one in jobs if one.id == counted), None)
    if counts is None or own.state in _ACTIVE or own.created_at > counts.created_at:
        return own
    return counts


def read_shown(db: Connection, submissions: Sequence[str]) -> dict[str, Job]:
    """The job to show of each of these submissions."""
    found: dict[str, list[Row[Any]]] = {}
    for row in db.execute(_SHOWN, {"ids": list(submissions)}).all():
        found.setdefault(row.submission_id, []).append(row)
    return {
        submission_id: to_job(newest_and_counted(rows, rows[0].counted_job_id)._mapping)
        for submission_id, rows in found.items()
    }
