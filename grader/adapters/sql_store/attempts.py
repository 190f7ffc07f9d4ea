"""How an attempt ends, and what becomes of its job."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from grader.adapters.sql_store.events import append
from grader.adapters.sql_store.standing_updates import hold_course_of, restand
from grader.adapters.sql_store.tables import attempt, job, submission
from grader.domain.errors import Fault
from grader.domain.job import Ending, JobRules, JobState

_SHOWN = ("points", "max_points", "fault", "problem")
#: What a job looks like once nobody owns it.
UNOWNED: dict[str, Any] = {"token_digest": None, "lease_until": None, "offered_at": None}
_BEGIN = insert(attempt)
_END = update(attempt).where(attempt.c.job_id == bindparam("of_job"), attempt.c.number == bindparam("of_attempt"))
_END_JOB = update(job).where(job.c.id == bindparam("of_job")).returning(job)
_COUNTS = update(submission).where(submission.c.id == bindparam("of_submission"))


def lock(db: Connection, job_id: str) -> Row[Any] | None:
    """A job's row, locked, and with it the standings of its course; None if there is no such job."""
    hold_course_of(db, job_id)
    return db.execute(select(job).where(job.c.id == job_id).with_for_update()).first()


def begin_attempt(db: Connection, job_id: str, number: int, worker: str, now: float) -> None:
    """Note who claimed it."""
    values = {"worker": worker, "started_at": now, "ending": str(Ending.RUNNING), "problem": ""}
    db.execute(_BEGIN, {"job_id": job_id, "number": number, **values})


def end_attempt(db: Connection, job_id: str, number: int, ending: Ending, problem: str, now: float) -> None:
    """Note how it ended."""
    ended = {"ending": str(ending), "problem": problem, "ended_at": now}
    db.execute(_END, {"of_job": job_id, "of_attempt": number, **ended})


def put_back(db: Connection, row: Row[Any], fault: Fault, problem: str, now: float, rules: JobRules) -> JobState:
    """Let the job in `row` wait again after an attempt that was not the student's fault, or end it.

    It ends as cancelled where that was asked for, and as dead where no attempt is left.
    """
    told = {"fault": str(fault), "problem": problem}
    if row.cancel_requested:
        return end_job(db, row.id, JobState.CANCELLED, {}, now)
    if row.attempt >= row.max_attempts:
        return end_job(db, row.id, JobState.DEAD, told, now)
    later = now + rules.retry_in(row.attempt)
    values = {"state": str(JobState.QUEUED), "available_at": later, **UNOWNED}
    db.execute(update(job).where(job.c.id == row.id).values(values))
    append(db, row.id, [("requeued", {"attempt": row.attempt, "retry_in_s": later - now, **told})], now)
    follow(db, row)
    return JobState.QUEUED


def end_job(db: Connection, job_id: str, state: JobState, values: dict[str, Any], now: float) -> JobState:
    """Give a job its final state, told in its last event; `values` are columns that say more.

    A score counts from here on, unless it is that of a rerun. The job is locked.
    """
    row = db.execute(
        _END_JOB, {"of_job": job_id, "state": str(state), "finished_at": now, **UNOWNED, **values}
    ).one()  # fmt: skip
    shown: dict[str, Any] = {
        name: values[name] for name in ("points", "max_points", "fault", "problem") if name in values
    }
    append(db, job_id, [("ended", shown | {"state": str(state)})], now)
    counts = state is JobState.GRADED and row.rerun_id is None
    if counts:
        db.execute(_COUNTS, {"of_submission": row.submission_id, "counted_job_id": job_id})
    follow(db, row, marks=counts)
    return state


def follow(db: Connection, row: Row[Any], *, marks: bool = False) -> None:
    """Let the standing follow a job that has changed; one of a rerun counts for nothing yet."""
    if row.rerun_id is None:
        restand(db, row.course, row.lab, [row.person_id], marks=marks)
