"""Jobs: reading them, adding and cancelling them; the rest of their life is in `queueing` and `leases`."""

import json
import zlib
from collections.abc import Sequence

from sqlalchemy import bindparam, func, insert, select, update

from grader.adapters.sql_store.attempts import end_job, follow, lock
from grader.adapters.sql_store.events import append, read
from grader.adapters.sql_store.leases import Leases
from grader.adapters.sql_store.queueing import Queueing
from grader.adapters.sql_store.rows import from_job, to_job
from grader.adapters.sql_store.standing_rows import read_shown
from grader.adapters.sql_store.standing_updates import hold
from grader.adapters.sql_store.tables import attempt, job, report, score
from grader.adapters.sql_store.timing import read_times
from grader.domain.job import WAITING, Attempt, Ending, Job, JobState
from grader.domain.live import LiveEvent

LISTED_JOBS = 100
_JOB = select(job).where(job.c.id == bindparam("of_job"))


class SqlJobs(Queueing, Leases):
    """Satisfies `Jobs`."""

    def add(self, one: Job) -> None:
        """See `Jobs`."""
        with self._write() as db:
            hold(db, one.course)
            row = db.execute(insert(job).values(from_job(one)).returning(job)).one()
            append(db, one.id, [("queued", {"lane": str(one.lane), "queue": one.queue})], one.created_at)
            follow(db, row)

    def get(self, job_id: str) -> Job | None:
        """See `Jobs`."""
        with self._read() as db:
            row = db.execute(_JOB, {"of_job": job_id}).mappings().first()
        return None if row is None else to_job(row)

    def of_submission(self, submission_id: str) -> list[Job]:
        """See `Jobs`."""
        mine = select(job).where(job.c.submission_id == submission_id)
        with self._read() as db:
            rows = db.execute(mine.order_by(job.c.created_at.desc(), job.c.id.desc()).limit(LISTED_JOBS)).mappings()
            return [to_job(row) for row in rows]

    def shown(self, submission_ids: Sequence[str]) -> dict[str, Job]:
        """See `Jobs`."""
        with self._read() as db:
            return read_shown(db, submission_ids)

    def earned(self, job_ids: Sequence[str], tests: Sequence[str]) -> dict[str, int]:
        """See `Jobs`."""
        query = select(score.c.job_id, score.c.per_test).where(score.c.job_id.in_(job_ids))
        with self._read() as db:
            rows = db.execute(query).all()
        points = {row.job_id: dict(json.loads(row.per_test)) for row in rows}
        return {job_id: sum(per_test.get(name, 0) for name in tests) for job_id, per_test in points.items()}

    def program(self, one: Job) -> int:
        """See `Jobs`."""
        c = job.c
        mine = (c.person_id == one.person_id, c.course == one.course, c.lab == one.lab)
        first = func.min(c.created_at)
        query = select(c.seed).where(*mine, c.spec_digest == one.spec_digest).group_by(c.seed).order_by(first, c.seed)
        with self._read() as db:
            return list(db.execute(query).scalars()).index(str(one.seed)) + 1

    def cancel(self, job_id: str, now: float) -> JobState | None:
        """See `Jobs`."""
        with self._write() as db:
            row = lock(db, job_id)
            if row is None:
                return None
            state = JobState(row.state)
            if state in WAITING:
                return end_job(db, job_id, JobState.CANCELLED, {}, now)
            if state is JobState.RUNNING:
                db.execute(update(job).where(job.c.id == job_id).values(cancel_requested=True))
        return state

    def events(self, job_id: str, *, after: int = 0, limit: int = 500) -> list[LiveEvent]:
        """See `Jobs`."""
        with self._read() as db:
            return read(db, job_id, after, limit)

    def attempts(self, job_id: str) -> list[Attempt]:
        """See `Jobs`."""
        query = select(attempt).where(attempt.c.job_id == job_id).order_by(attempt.c.number)
        with self._read() as db:
            rows = db.execute(query).mappings().all()
        names = ("number", "worker", "started_at", "ended_at", "problem")
        return [Attempt(ending=Ending(row["ending"]), **{name: row[name] for name in names}) for row in rows]

    def stages(self, job_id: str) -> dict[str, float]:
        """See `Jobs`."""
        with self._read() as db:
            return read_times(db, job_id)

    def report(self, job_id: str) -> bytes | None:
        """See `Jobs`."""
        with self._read() as db:
            body = db.execute(select(report.c.body).where(report.c.job_id == job_id)).scalar()
        return None if body is None else zlib.decompress(body)
