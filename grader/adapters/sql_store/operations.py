"""Workers' signs of life, the service in numbers, the audit log."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.tables import attempt, audit, course, job, worker
from grader.adapters.sql_store.timing import all_times
from grader.domain.errors import StoreDown
from grader.domain.job import ACTIVE, FINAL, WAITING, JobState
from grader.domain.operations import Figures, WorkerBeat

#: A worker that has said nothing for so long is forgotten.
FORGOTTEN_S = 3600.0
READY = "ready"
_ALIVE = (
    select(worker).where(worker.c.seen_at > bindparam("since"), worker.c.state != "stopped").order_by(worker.c.name)
)
_SEEN = update(worker).where(worker.c.name == bindparam("of_name"))


class SqlOperations(Transactions):
    """Satisfies `Operations`."""

    def put_worker(self, beat: WorkerBeat, now: float) -> None:
        """See `Operations`."""
        values = {
            "queues": json.dumps(beat.queues),
            "slots": beat.slots,
            "running": json.dumps(beat.running),
            "sandbox": beat.sandbox,
            "state": beat.state,
            "started_at": beat.started_at,
            "seen_at": now,
        }
        with self._note() as db:
            if db.execute(_SEEN, {"of_name": beat.name, **values}).rowcount == 0:
                db.execute(insert(worker).values(name=beat.name, **values))
                db.execute(delete(worker).where(worker.c.seen_at < now - FORGOTTEN_S))

    def workers(self, now: float, silent_s: float) -> list[WorkerBeat]:
        """See `Operations`."""
        with self._read() as db:
            return _workers(db, now, silent_s)

    def load(self, now: float) -> Figures:
        """See `Operations`."""
        with self._read() as db:
            return _load(db, now)

    def figures(self, now: float) -> Figures:
        """See `Operations`."""
        states = select(job.c.state, func.count()).where(job.c.state.in_(FINAL)).group_by(job.c.state)
        endings = select(attempt.c.ending, func.count()).group_by(attempt.c.ending)
        graded = job.c.state == str(JobState.GRADED)
        runs = select(job.c.lab, func.sum(job.c.duration_s), func.count()).where(graded).group_by(job.c.lab)
        with self._read() as db:
            return replace(
                _load(db, now),
                outcomes={state: count for state, count in db.execute(states).all()},
                endings={ending: count for ending, count in db.execute(endings).all()},
                stages=all_times(db),
                run_seconds={lab: (float(total), count) for lab, total, count in db.execute(runs).all()},
            )

    def note(self, actor: str, course: str, action: str, subject: str, detail: Mapping[str, Any], now: float) -> None:
        """See `Operations`."""
        values = {"actor": actor, "course": course, "action": action, "subject": subject[:200]}
        with self._write() as db:
            db.execute(insert(audit).values(at=now, detail=json.dumps(detail), **values))

    def audit(self, course: str, *, before: int = 0, limit: int = 100) -> list[Mapping[str, Any]]:
        """See `Operations`."""
        query = select(audit).where(audit.c.course == course)
        if before:
            query = query.where(audit.c.id < before)
        with self._read() as db:
            rows = db.execute(query.order_by(audit.c.id.desc()).limit(limit)).mappings().all()
        return [{**row, "detail": json.loads(row["detail"])} for row in rows]

    def works(self) -> bool:
        """See `Operations`."""
        try:
            with self._write() as db:
                db.execute(delete(course).where(course.c.id == ""))  # takes the write lock, changes nothing
        except StoreDown:
            return False
        return True


class _Rarely(FunctionElement[Any]):
    """A condition that few rows meet. SQLite knows only how many states there are, and would read every job for one."""

    type = NullType()  # a Boolean would be compared with 1, and then the hint is lost
    inherit_cache = True


@compiles(_Rarely)
def _as_it_is(element: _Rarely, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_Rarely, "sqlite")
def _told_to_sqlite(element: _Rarely, compiler: SQLCompiler, **options: Any) -> str:
    return f"likelihood({compiler.process(element.clauses, **options)}, 0.000001)"


def _load(db: Connection, now: float) -> Figures:
    by_queue = select(job.c.queue, func.count(), func.min(job.c.created_at)).group_by(job.c.queue)
    waiting = db.execute(by_queue.where(job.c.state.in_(WAITING))).all()
    running = db.execute(by_queue.where(job.c.state == str(JobState.RUNNING))).all()
    return Figures(
        waiting={queue: count for queue, count, _ in waiting},
        oldest_waiting_s={queue: max(0.0, now - oldest) for queue, _, oldest in waiting},
        running={queue: count for queue, count, _ in running},
        given_up=db.execute(_given_up()).scalar() or 0,
    )


def _given_up() -> Select[int]:
    """A rerun that came to nothing is told in its preview: it neither raises this alarm nor silences it."""
    newer = job.alias()
    tried = or_(newer.c.rerun_id.is_(None), newer.c.state.in_({*ACTIVE, JobState.GRADED}))
    again = exists().where(newer.c.submission_id == job.c.submission_id, newer.c.created_at > job.c.created_at, tried)
    lost = and_(_Rarely(job.c.state == str(JobState.DEAD)), job.c.rerun_id.is_(None))
    return select(func.count()).select_from(job).where(lost, ~again)


def live_slots(db: Connection, now: float, silent_s: float) -> dict[str, int]:
    """How many jobs the ready workers of each queue can run at once."""
    slots: dict[str, int] = {}
    for one in _workers(db, now, silent_s):
        for queue in one.queues if one.state == READY else ():
            slots[queue] = slots.get(queue, 0) + one.slots
    return slots


def _workers(db: Connection, now: float, silent_s: float) -> list[WorkerBeat]:
    return [
        WorkerBeat(
            name=row["name"],
            queues=tuple(json.loads(row["queues"])),
            slots=row["slots"],
            running=tuple(json.loads(row["running"])),
            sandbox=row["sandbox"],
            state=row["state"],
            started_at=row["started_at"],
            seen_at=row["seen_at"],
        )
        for row in db.execute(_ALIVE, {"since": now - silent_s}).mappings()
    ]
