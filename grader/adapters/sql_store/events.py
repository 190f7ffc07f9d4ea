"""Numbered events of a job, written in the transaction of what they tell."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, true, update

from grader.adapters.sql_store.tables import event, job
from grader.domain.live import LiveEvent

Facts = Sequence[tuple[str, Mapping[str, Any]]]


def append(db: Connection, job_id: str, facts: Facts, now: float, only_if: ColumnElement[bool] | None = None) -> bool:
    """Add `facts` behind the job's last event; False if there is no such job, or `only_if` does not hold for it.

    Counting up on the job's row first is what keeps two writers from taking the same number.
    """
    counted = (
        update(job)
        .where(job.c.id == job_id, true() if only_if is None else only_if)
        .values(last_event=job.c.last_event + len(facts))
        .returning(job.c.last_event)
    )
    last = db.execute(counted).scalar()
    if last is None:
        return False
    rows = [
        {"job_id": job_id, "seq": last - len(facts) + at, "kind": kind, "at": now, "data": json.dumps(data)}
        for at, (kind, data) in enumerate(facts, start=1)
    ]
    if rows:
        db.execute(insert(event), rows)
    return True


def read(db: Connection, job_id: str, after: int, limit: int) -> list[LiveEvent]:
    """Events behind number `after`, in order."""
    query = select(event).where(event.c.job_id == job_id, event.c.seq > after).order_by(event.c.seq).limit(limit)
    rows = db.execute(query).mappings()
    return [LiveEvent(row["seq"], row["kind"], row["at"], json.loads(row["data"])) for row in rows]
