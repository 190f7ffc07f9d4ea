"""Numbered events of a job, written in the transaction of what they tell."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from grader.adapters.sql_store.tables import event, job
from grader.domain.job import JobState
from grader.domain.live import LiveEvent

Facts = Sequence[tuple[str, Mapping[str, Any]]]

# made once, here and beside this: to make a statement takes longer than to run it
_COUNT = (
    update(job)
    .where(job.c.id == bindparam("of_job"))
    .values(last_event=job.c.last_event + bindparam("more"))
    .returning(job.c.last_event)
)
_COUNT_OWN = _COUNT.where(job.c.attempt == bindparam("of_attempt"), job.c.state == str(JobState.RUNNING))
_ADD = insert(event)
_BEHIND = (
    select(event)
    .where(event.c.job_id == bindparam("of_job"), event.c.seq > bindparam("after"))
    .order_by(event.c.seq)
    .limit(bindparam("most"))
)


def append(db: Connection, job_id: str, facts: Facts, now: float, attempt: int | None = None) -> bool:
    """Add `facts` behind the job's last event; False if there is no such job, or that `attempt` does not own it.

    Counting up on the job's row first is what keeps two writers from taking the same number.
    """
    more = {"of_job": job_id, "more": len(facts)}
    counted = db.execute(_COUNT, more) if attempt is None else db.execute(_COUNT_OWN, more | {"of_attempt": attempt})
    last = counted.scalar()
    if last is None:
        return False
    rows = [
        {"job_id": job_id, "seq": last - len(facts) + at, "kind": kind, "at": now, "data": json.dumps(data)}
        for at, (kind, data) in enumerate(facts, start=1)
    ]
    if rows:
        db.execute(_ADD, rows)
    return True


def read(db: Connection, job_id: str, after: int, limit: int) -> list[LiveEvent]:
    """Events behind number `after`, in order."""
    rows = db.execute(_BEHIND, {"of_job": job_id, "after": after, "most": limit}).mappings()
    return [LiveEvent(row["seq"], row["kind"], row["at"], json.loads(row["data"])) for row in rows]
