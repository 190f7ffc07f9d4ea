"""Which submissions a rerun is of."""

from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, select

from grader.adapters.sql_store.board_tables import standing
from grader.adapters.sql_store.standing_rows import load_marks
from grader.adapters.sql_store.tables import job, member, person, score, submission
from grader.domain.job import ACTIVE
from grader.domain.rerun import Chosen, Selection


def select_submissions(db: Connection, course: str, wanted: Selection, limit: int) -> list[Chosen]:
    """The submissions that are wanted, by login, at most so many."""
    c = submission.c
    columns = (c.id, c.person_id, c.digest, c.counted_job_id, score.c.detail)
    query = _narrowed(select(*columns), course, wanted).order_by(person.c.login, c.id)
    found: list[Chosen] = []
    for row in db.execute(query).all():
        if len(found) < limit and _ended_so(row.detail, wanted):
            found.append(Chosen(row.id, row.person_id, row.digest, row.counted_job_id or ""))
    return found


def _narrowed(query: Select[Any], course: str, wanted: Selection) -> Select[Any]:
    c = submission.c
    here = and_(member.c.course == c.course, member.c.person_id == c.person_id)
    query = (
        query.select_from(submission)
        .join(person, person.c.id == c.person_id)
        .outerjoin(member, here)
        .outerjoin(score, score.c.job_id == c.counted_job_id)
        .where(c.course == course, c.lab == wanted.lab)
    )
    if wanted.login:
        query = query.where(person.c.login == wanted.login)
    if wanted.section:
        query = query.where(member.c.section == wanted.section)
    if wanted.no_result:
        under_way = exists().where(job.c.submission_id == c.id, job.c.rerun_id.is_(None), job.c.state.in_(ACTIVE))
        query = query.where(c.counted_job_id.is_(None), ~under_way)
    if wanted.submission_id:
        return query.where(c.id == wanted.submission_id)
    if wanted.newest or wanted.no_result:
        return query.where(c.number == _newest())
    counts = select(standing.c.submission_id).where(standing.c.course == course, standing.c.lab == wanted.lab)
    return query.where(c.id.in_(counts))


def _newest() -> Any:
    other = submission.alias("other")
    same = (
        other.c.course == submission.c.course,
        other.c.lab == submission.c.lab,
        other.c.person_id == submission.c.person_id,
    )
    return select(func.max(other.c.number)).where(*same).correlate(submission).scalar_subquery()


def _ended_so(detail: str | None, wanted: Selection) -> bool:
    """Whether the test that the selection names ended as it says."""
    if not (wanted.verdict or wanted.cause):
        return True
    return any(
        mark.test == wanted.test and wanted.accepts(mark.verdict) and (not wanted.cause or mark.cause == wanted.cause)
        for mark in load_marks(detail)
    )
