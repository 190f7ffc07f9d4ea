"""What a worker does with a job it owns; each step holds only for the attempt that owns it, a stale one is refused."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, select, update

from grader.adapters.sql_store.attempts import begin_attempt, end_attempt, end_job, follow, put_back
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.events import append
from grader.adapters.sql_store.rows import to_job
from grader.adapters.sql_store.standing_rows import dump_marks
from grader.adapters.sql_store.standing_updates import hold_course_of
from grader.adapters.sql_store.tables import job, report, score
from grader.adapters.sql_store.timing import keep_times
from grader.domain.errors import Fault
from grader.domain.job import WAITING, Beat, Ending, Job, JobRules, JobState, Outcome
from grader.domain.live import MAX_EVENTS

_OWNED = and_(
    job.c.id == bindparam("of_job"), job.c.attempt == bindparam("of_attempt"), job.c.state == str(JobState.RUNNING)
)
_OWN = select(job).where(_OWNED).with_for_update()
_LAST_EVENT = select(job.c.last_event).where(_OWNED)
_RENEW = update(job).where(_OWNED).returning(job.c.cancel_requested)
_OPENED = select(job).where(
    job.c.id == bindparam("of_job"),
    job.c.token_digest == bindparam("of_token"),
    job.c.state == str(JobState.RUNNING),
)
_CLAIM = (
    update(job)
    .where(job.c.id == bindparam("of_job"), job.c.state.in_(WAITING))
    .values(state=str(JobState.RUNNING), attempt=job.c.attempt + 1)
    .returning(job)
)
_KEEP_REPORT, _KEEP_SCORE = insert(report), insert(score)


class Leases(Transactions):
    """The part of `Jobs` about jobs that a worker owns."""

    def claim(self, job_id: str, worker: str, token_digest: str, now: float, rules: JobRules) -> Job | None:
        """See `Jobs`."""
        values = {
            "of_job": job_id,
            "worker": worker,
            "token_digest": token_digest,
            "lease_until": now + rules.lease_s,
            "started_at": now,
        }
        with self._write() as db:
            hold_course_of(db, job_id)
            row = db.execute(_CLAIM, values).first()
            if row is None:
                return None
            begin_attempt(db, job_id, row.attempt, worker, now)
            append(db, job_id, [("started", {"attempt": row.attempt, "worker": worker})], now)
            follow(db, row)
        return to_job(row._mapping)

    def holder(self, job_id: str, token_digest: str) -> Job | None:
        """See `Jobs`."""
        with self._read() as db:
            row = db.execute(_OPENED, {"of_job": job_id, "of_token": token_digest}).mappings().first()
        return None if row is None else to_job(row)

    def beat(self, job_id: str, attempt: int, now: float, rules: JobRules) -> Beat:
        """See `Jobs`."""
        values = {"of_job": job_id, "of_attempt": attempt, "lease_until": now + rules.lease_s}
        with self._note() as db:
            cancel = db.execute(_RENEW, values).scalar()
        return Beat(owned=cancel is not None, cancel=bool(cancel))

    def tell(self, job_id: str, attempt: int, events: Sequence[tuple[str, Mapping[str, Any]]], now: float) -> bool:
        """See `Jobs`. Beyond `MAX_EVENTS` they are dropped: the report has everything."""
        with self._note() as db:
            last = db.execute(_LAST_EVENT, {"of_job": job_id, "of_attempt": attempt}).scalar()
            if last is None:
                return False
            return append(db, job_id, events[: max(0, MAX_EVENTS - last)], now, attempt)

    def finish(self, job_id: str, attempt: int, outcome: Outcome, now: float) -> bool:
        """See `Jobs`."""
        with self._write() as db:
            row = _own(db, job_id, attempt)
            if row is None:
                return False
            end_attempt(db, job_id, attempt, Ending.FINISHED, outcome.problem, now)
            keep_times(db, row, outcome.sandbox, outcome.stages, now)
            if outcome.report is not None:
                body = zlib.compress(outcome.report)
                db.execute(_KEEP_REPORT, {"job_id": job_id, "attempt": attempt, "body": body})
            if outcome.points is not None:
                db.execute(_KEEP_SCORE, {"job_id": job_id, "at": now, **_scored(outcome)})
            end_job(db, job_id, outcome.state, _told(outcome), now)
        return True

    def give_back(
        self, job_id: str, attempt: int, fault: Fault, problem: str, now: float, rules: JobRules
    ) -> JobState | None:
        """See `Jobs`."""
        with self._write() as db:
            row = _own(db, job_id, attempt)
            if row is None:
                return None
            end_attempt(db, job_id, attempt, Ending.GIVEN_BACK, problem, now)
            return put_back(db, row, fault, problem, now, rules)

    def stopped(self, job_id: str, attempt: int, now: float) -> bool:
        """See `Jobs`."""
        with self._write() as db:
            row = _own(db, job_id, attempt)
            if row is None or not row.cancel_requested:
                return False
            end_attempt(db, job_id, attempt, Ending.CANCELLED, "", now)
            end_job(db, job_id, JobState.CANCELLED, {}, now)
        return True


def _own(db: Connection, job_id: str, attempt: int) -> Row[Any] | None:
    """The job's row, locked, if this attempt owns it."""
    hold_course_of(db, job_id)
    return db.execute(_OWN, {"of_job": job_id, "of_attempt": attempt}).first()


def _scored(outcome: Outcome) -> dict[str, Any]:
    return {
        "points": outcome.points,
        "max_points": outcome.max_points,
        "per_test": json.dumps(outcome.per_test),
        "detail": dump_marks(outcome.detail),
        "costs": outcome.costs,
    }


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "points": outcome.points,
        "max_points": outcome.max_points,
        "fault": None if outcome.fault is None else str(outcome.fault),
        "problem": outcome.problem,
        "sandbox": outcome.sandbox,
        "duration_s": outcome.duration_s,
    }
