"""Scores from before it was kept with them how each test ended: it is read from their reports, once."""

import zlib
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from grader.adapters.sql_store.standing_rows import dump_marks
from grader.adapters.sql_store.tables import job, report, score, spec
from grader.domain.attribution import costs_an_attempt
from grader.domain.errors import GraderError
from grader.domain.job import JobState
from grader.domain.lab import Lab
from grader.domain.marks import marks
from grader.domain.report import read_report

AT_ONCE = 100


def describe(engine: Engine, course: str) -> None:
    """Add what is missing to every score of the course; a report that cannot be read any more adds nothing."""
    labs: dict[str, Lab] = {}
    while True:
        with engine.begin() as db:
            if not _describe_some(db, course, labs):
                return


def _describe_some(db: Connection, course: str, labs: dict[str, Lab]) -> bool:
    found = (
        select(score.c.job_id, job.c.spec_digest, report.c.body)
        .join(job, job.c.id == score.c.job_id)
        .outerjoin(report, report.c.job_id == score.c.job_id)
        .where(job.c.course == course, score.c.detail.is_(None))
        .limit(AT_ONCE)
    )
    rows = db.execute(found).all()
    for job_id, digest, body in rows:
        if digest not in labs:
            labs[digest] = _lab(db, digest)
        db.execute(update(score).where(score.c.job_id == job_id).values(_told(body, labs[digest])))
    return bool(rows)


def _lab(db: Connection, digest: str) -> Lab:
    manifest, path = db.execute(select(spec.c.manifest, spec.c.lab_path).where(spec.c.digest == digest)).one()
    return Lab.from_toml(manifest, file=f"{path}/lab.toml")


def _told(body: bytes | None, lab: Lab) -> dict[str, Any]:
    try:
        read = read_report(None if body is None else zlib.decompress(body), lab)
    except GraderError:
        return {"detail": dump_marks(())}
    return {"detail": dump_marks(marks(read, lab)), "costs": costs_an_attempt(JobState.GRADED, None, read, lab)}
