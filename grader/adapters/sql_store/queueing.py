"""Which waiting job is next, what was offered and lost, and where a job stands in the line.

Everybody's first run of the past hour goes before anybody's second, the oldest first. A newer submission supersedes
what waits, so most people have one job waiting: without the runs they were given, those who push all the time would
be served like those who push once.

Nobody starves in a lane. Whoever waits is given nothing, so that after an hour at most their oldest job is a first
run. Then only jobs that are older still can go before it, and nobody can make an older one.
"""

from collections.abc import Mapping

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Subquery,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

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
#: Seconds after which a run that somebody was given no longer puts them behind others.
LATELY_S = 3600.0
#: How a job ends that was a run given to its person. Of what ended otherwise, none was, or it was lost by our fault.
GIVEN = frozenset({JobState.GRADED, JobState.FAILED, JobState.CANCELLED})
SILENT = "the worker that ran it was lost; that is our fault"


class Queueing(Transactions):
    """The part of `Jobs` about jobs that nobody owns."""

    def offer(self, room: Mapping[str, int], now: float) -> list[tuple[str, str]]:
        """See `Jobs`."""
        offered: list[tuple[str, str]] = []
        with self._read() as db:  # as in `expire`: mostly there is nothing
            if db.execute(_WAITS, {"now": now}).first() is None:
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
        late = {"now": now, "before": now - rules.offer_s}
        with self._read() as db:  # most of the time there is nothing, and finding that out must not block a writer
            if db.execute(_ANY_LATE, late).first() is None:
                return []
            lost = db.execute(select(job.c.id).where(_LAPSED).limit(EXPIRED_AT_ONCE), late).scalars().all()
        with self._write() as db:
            db.execute(update(job).where(_UNCLAIMED).values(state=str(JobState.QUEUED), offered_at=None), late)
        told = [self._lose(job_id, now, rules) for job_id in lost]
        return [one for one in told if one is not None]

    def _lose(self, job_id: str, now: float, rules: JobRules) -> Lost | None:
        """None if its worker was heard of in the meantime."""
        with self._write() as db:
            hold_course_of(db, job_id)
            lapsed = select(job).where(job.c.id == job_id, _LAPSED).with_for_update()
            row = db.execute(lapsed, {"now": now}).first()
            if row is None:
                return None
            end_attempt(db, row.id, row.attempt, Ending.LOST, SILENT, now)
            state = put_back(db, row, Fault.US, SILENT, now, rules)
        return Lost(row.id, row.attempt, state is JobState.DEAD)

    def line(self, queue: str, now: float, rules: JobRules) -> Line:
        """See `Jobs`."""
        with self._read() as db:
            ids = db.execute(_IN_LINE, {"queue": queue, "since": now - LATELY_S}).scalars().all()
            slots = live_slots(db, now, rules.worker_silent_s).get(queue, 0)
            mean = _mean_seconds(db, queue)
        return Line({job_id: place for place, job_id in enumerate(ids)}, slots, mean)


def _offer(db: Connection, queue: str, places: int, now: float) -> list[tuple[str, str]]:
    places -= db.execute(_TAKEN_UP, {"queue": queue}).scalar() or 0
    if places <= 0:
        return []
    next_ones = {"queue": queue, "now": now, "since": now - LATELY_S, "places": places}
    chosen = db.execute(_NEXT, next_ones).scalars().all()
    taken = set(db.execute(_TAKE, {"ids": list(chosen), "offered_at": now}).scalars())
    return [(job_id, queue) for job_id in chosen if job_id in taken]


def _line() -> Subquery:
    """The active jobs of a queue with `turn`: their person's how-manieth run in that lane lately each is, or would be.

    Runs that they were given lately come first, then what they have offered or running, then what waits, oldest first.
    """
    own = (job.c.state == str(JobState.QUEUED), job.c.created_at, job.c.id)  # false sorts first
    rank = func.row_number().over(partition_by=(job.c.lane, job.c.person_id), order_by=own)
    turn = (_given_since(bindparam("since")) + rank).label("turn")
    columns = (job.c.id, job.c.state, job.c.lane, job.c.created_at, job.c.available_at, job.c.offered_at, turn)
    return select(*columns).where(job.c.queue == bindparam("queue"), job.c.state.in_(ACTIVE)).subquery()


def _given_since(since: ColumnElement[float]) -> ScalarSelect[int]:
    """How many runs a job's person was given since in its queue and lane: a short search of an index for each job."""
    past = job.alias()
    theirs = (past.c.person_id == job.c.person_id, past.c.queue == job.c.queue, past.c.lane == job.c.lane)
    given = (past.c.started_at > since, past.c.state.in_(GIVEN))
    return select(func.count()).select_from(past).where(*theirs, *given).correlate(job).scalar_subquery()


def _order(line: Subquery) -> tuple[ColumnElement[object], ...]:
    return line.c.lane, line.c.turn, line.c.created_at, line.c.id


def _mean_seconds(db: Connection, queue: str) -> float | None:
    mean = db.execute(_MEAN, {"queue": queue}).scalar()
    return None if mean is None else float(mean)


# made once: to make the line's takes several times as long as to run it
_UNCLAIMED = and_(job.c.state == str(JobState.OFFERED), job.c.offered_at < bindparam("before"))
_LAPSED = and_(job.c.state == str(JobState.RUNNING), job.c.lease_until < bindparam("now"))
_ANY_LATE = select(job.c.id).where(or_(_UNCLAIMED, _LAPSED)).limit(1)
_WAITS = select(job.c.id).where(job.c.state == str(JobState.QUEUED), job.c.available_at <= bindparam("now")).limit(1)
_TAKEN_UP = (
    select(func.count())
    .select_from(job)
    .where(job.c.queue == bindparam("queue"), job.c.state.in_(ACTIVE - {JobState.QUEUED}))
)
_LINE = _line()
_NEXT = (
    select(_LINE.c.id)
    .where(_LINE.c.state == str(JobState.QUEUED), _LINE.c.available_at <= bindparam("now"))
    .order_by(*_order(_LINE))
    .limit(bindparam("places"))
)
_TAKE = (
    update(job)
    .where(job.c.id.in_(bindparam("ids", expanding=True)), job.c.state == str(JobState.QUEUED))
    .values(state=str(JobState.OFFERED))
    .returning(job.c.id)
)
#: What the broker has already goes first: nobody can change that any more.
_IN_LINE = (
    select(_LINE.c.id)
    .where(_LINE.c.state.in_(WAITING))
    .order_by(_LINE.c.state == str(JobState.QUEUED), _LINE.c.offered_at, *_order(_LINE))
)
_LAST_RUNS = (
    select(job.c.duration_s)
    .where(job.c.queue == bindparam("queue"), job.c.state == str(JobState.GRADED))
    .order_by(job.c.finished_at.desc())
    .limit(RUNS_FOR_ETA)
    .subquery()
)
_MEAN = select(func.avg(_LAST_RUNS.c.duration_s))
