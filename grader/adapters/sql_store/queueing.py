"""Which waiting job is next, what was offered and lost, and where a job stands in the line."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, or_, select, update

from grader.adapters.sql_store.attempts import end_attempt, put_back
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.operations import live_slots
from grader.adapters.sql_store.standing_updates import hold_course_of
from grader.adapters.sql_store.tables import job
from grader.domain.errors import Fault
from grader.domain.job import ACTIVE, WAITING, Ending, JobRules, JobState, Line, Lost

EXPIRED_AT_ONCE = 200
#: The mean of the last runs of a queue is what an ETA is made of.
RUNS_FOR_ETA = 50
SILENT = "the worker that ran it was lost; that is our fault"


class Queueing(Transactions):
    """The part of `Jobs` about jobs that nobody owns."""

    def offer(self, room: Mapping[str, int], now: float) -> list[tuple[str, str]]:
        """See `Jobs`."""
        offered: list[tuple[str, str]] = []
        waits = select(job.c.id).where(job.c.state == str(JobState.QUEUED), job.c.available_at <= now).limit(1)
        with self._read() as db:  # as in `expire`: mostly there is nothing
            if db.execute(waits).first() is None:
                return []
        with self._note() as db:
            for queue, places in room.items():
                if places > 0:
                    offered += _offer(db, queue, places, now)
        return offered

    def unoffer(self, job_id: str) -> None:
        """See `Jobs`."""
        is_offered = and_(job.c.id == job_id, job.c.state == str(JobState.OFFERED))
        with self._note() as db:
            db.execute(update(job).where(is_offered).values(state=str(JobState.QUEUED), offered_at=None))

    def expire(self, now: float, rules: JobRules) -> list[Lost]:
        """See `Jobs`."""
        unclaimed = and_(job.c.state == str(JobState.OFFERED), job.c.offered_at < now - rules.offer_s)
        lapsed = and_(job.c.state == str(JobState.RUNNING), job.c.lease_until < now)
        with self._read() as db:  # most of the time there is nothing, and finding that out must not block a writer
            if db.execute(select(job.c.id).where(or_(unclaimed, lapsed)).limit(1)).first() is None:
                return []
            lost = db.execute(select(job.c.id).where(lapsed).limit(EXPIRED_AT_ONCE)).scalars().all()
        with self._write() as db:
            db.execute(update(job).where(unclaimed).values(state=str(JobState.QUEUED), offered_at=None))
        told = [self._lose(job_id, lapsed, now, rules) for job_id in lost]
        return [one for one in told if one is not None]

    def _lose(self, job_id: str, lapsed: ColumnElement[bool], now: float, rules: JobRules) -> Lost | None:
        """None if its worker was heard of in the meantime."""
        with self._write() as db:
            hold_course_of(db, job_id)
            row = db.execute(select(job).where(job.c.id == job_id, lapsed).with_for_update()).first()
            if row is None:
                return None
            end_attempt(db, row.id, row.attempt, Ending.LOST, SILENT, now)
            state = put_back(db, row, Fault.US, SILENT, now, rules)
        return Lost(row.id, row.attempt, state is JobState.DEAD)

    def line(self, queue: str, now: float, rules: JobRules) -> Line:
        """See `Jobs`."""
        waiting = _line(queue, WAITING)
        with self._read() as db:
            ids = db.execute(select(waiting.c.id).order_by(*_order(waiting))).scalars().all()
            slots = live_slots(db, now, rules.worker_silent_s).get(queue, 0)
            mean = _mean_seconds(db, queue)
        return Line({job_id: place for place, job_id in enumerate(ids)}, slots, mean)


def _offer(db: Connection, queue: str, places: int, now: float) -> list[tuple[str, str]]:
    taken_up = and_(job.c.queue == queue, job.c.state.in_(ACTIVE - {JobState.QUEUED}))
    places -= db.execute(select(func.count()).select_from(job).where(taken_up)).scalar() or 0
    if places <= 0:
        return []
    line = _line(queue, ACTIVE)
    ready = and_(line.c.state == str(JobState.QUEUED), line.c.available_at <= now)
    chosen = db.execute(select(line.c.id).where(ready).order_by(*_order(line)).limit(places)).scalars().all()
    still = and_(job.c.id.in_(chosen), job.c.state == str(JobState.QUEUED))
    values = {"state": str(JobState.OFFERED), "offered_at": now}
    taken = set(db.execute(update(job).where(still).values(values).returning(job.c.id)).scalars())
    return [(job_id, queue) for job_id in chosen if job_id in taken]


def _line(queue: str, states: frozenset[JobState]) -> Subquery:
    """Jobs of a queue with `turn`: 1 for each person's first in a lane, 2 for their second, running ones counted."""
    turn = func.row_number().over(partition_by=(job.c.lane, job.c.person_id), order_by=(_running_first(), *_age()))
    columns = (job.c.id, job.c.state, job.c.lane, job.c.created_at, job.c.available_at, turn.label("turn"))
    active: Select[tuple[object, ...]] = select(*columns).where(job.c.queue == queue, job.c.state.in_(ACTIVE))
    everyone = active.subquery()
    return select(everyone).where(everyone.c.state.in_(states)).subquery()


def _running_first() -> ColumnElement[bool]:
    return job.c.state == str(JobState.QUEUED)  # false sorts first: what a person has under way is their first turn


def _age() -> tuple[ColumnElement[float], ColumnElement[str]]:
    return job.c.created_at, job.c.id


def _order(line: Subquery) -> tuple[ColumnElement[object], ...]:
    return line.c.lane, line.c.turn, line.c.created_at, line.c.id


def _mean_seconds(db: Connection, queue: str) -> float | None:
    last = (
        select(job.c.duration_s)
        .where(job.c.queue == queue, job.c.state == str(JobState.GRADED))
        .order_by(job.c.finished_at.desc())
        .limit(RUNS_FOR_ETA)
        .subquery()
    )
    mean = db.execute(select(func.avg(last.c.duration_s))).scalar()
    return None if mean is None else float(mean)
