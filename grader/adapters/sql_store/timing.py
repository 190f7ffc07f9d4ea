"""Where the time of graded jobs went: of each, and over all by queue, sandbox and stage, kept up with each result."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Float, ForeignKey, Integer, Row, String, Table, Text, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from grader.adapters.sql_store.tables import metadata
from grader.domain.timing import BUCKETS, Clocked, StageTimes, bucket, whole

#: JSON: seconds by stage.
timing = Table(
    "timing",
    metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("stages", Text, nullable=False),
)

#: Graded jobs whose stage fell into that bucket, and the seconds that took. Nothing is counted again at each look.
stage_time = Table(
    "stage_time",
    metadata,
    Column("queue", String(20), primary_key=True),
    Column("sandbox", String(100), primary_key=True),
    Column("stage", String(30), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("jobs", Integer, nullable=False),
    Column("seconds", Float(53), nullable=False),
)


def _adding(insert_into: Any) -> Any:
    """A statement that adds to a row, or makes it: one for all stages of a result."""
    made = insert_into(stage_time)
    more = {"jobs": stage_time.c.jobs + made.excluded.jobs, "seconds": stage_time.c.seconds + made.excluded.seconds}
    return made.on_conflict_do_update(index_elements=list(stage_time.primary_key), set_=more)


_ADD = {"sqlite": _adding(sqlite.insert), "postgresql": _adding(postgresql.insert)}
_KEEP = insert(timing)


def keep_times(db: Connection, row: Row[Any], sandbox: str, told: Mapping[str, float], now: float) -> None:
    """Note where the time of the attempt went that ends; `row` is the job's as it ran."""
    stages = whole(Clocked(row.available_at, row.offered_at, row.started_at, now), told)
    db.execute(_KEEP, {"job_id": row.id, "stages": json.dumps(stages)})
    key = {"queue": row.queue, "sandbox": sandbox, "jobs": 1}
    # in one order, so that two results never wait for each other
    counted = [
        key | {"stage": stage, "bucket": bucket(seconds), "seconds": seconds}
        for stage, seconds in sorted(stages.items())
    ]
    db.execute(_ADD[db.dialect.name], counted)


def read_times(db: Connection, job_id: str) -> dict[str, float]:
    """Seconds by stage, in the order of the stages; empty where nobody noted them."""
    found = db.execute(select(timing.c.stages).where(timing.c.job_id == job_id)).scalar()
    return {} if found is None else dict(json.loads(found))


def all_times(db: Connection) -> dict[tuple[str, str, str], StageTimes]:
    """By queue, sandbox and stage."""
    counts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for queue, sandbox, stage, number, jobs, seconds in db.execute(select(stage_time)).all():
        counts[queue, sandbox, stage][number] += jobs
        sums[queue, sandbox, stage] += seconds
    return {key: StageTimes(tuple(counts[key]), sums[key]) for key in counts}
