"""Commit statuses that forges have to be told."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Update, and_, exists, insert, or_, select, update

from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.tables import course, job, publication
from grader.domain.forge import Publication, Push, StatusState
from grader.domain.job import ACTIVE

OPEN, POSTED, ENDED = "open", "posted", "ended"


class SqlPublications(Transactions):
    """Satisfies `Publications`."""

    def want(
        self, course_id: str, push: Push, lab: str, now: float, *, submission_id: str | None = None, refusal: str = ""
    ) -> None:
        """See `Publications`."""
        c = publication.c
        where = {"course": course_id, "repository": push.repository, "commit_id": push.commit, "lab": lab}
        here = and_(*(c[name] == value for name, value in where.items()))
        what = {"submission_id": submission_id, "refusal": refusal}
        fresh: dict[str, Any] = {"state": OPEN, "posted": "", "posted_at": None, "attempts": 0, "next_at": now}
        with self._write() as db:
            db.execute(select(course.c.id).where(course.c.id == course_id).with_for_update(key_share=True))
            row = db.execute(select(c.submission_id, c.refusal).where(here)).first()
            if row is None:
                db.execute(insert(publication).values(**where, **what, **fresh, claim=0, created_at=now, problem=""))
            elif (row.submission_id, row.refusal) != (submission_id, refusal):
                db.execute(update(publication).where(here).values(**what, **fresh, claim=c.claim + 1, problem=""))

    def claim(self, courses: Collection[str], now: float, lease_s: float) -> Publication | None:
        """See `Publications`."""
        c = publication.c
        own = and_(job.c.submission_id == c.submission_id, job.c.rerun_id.is_(None))
        running = exists().where(own, job.c.state.in_(ACTIVE))
        news = or_(c.posted != str(StatusState.PENDING), ~running)
        due = and_(c.state == OPEN, c.next_at <= now, news)
        first = select(c.id).where(due, c.course.in_(courses)).order_by(c.next_at, c.id).limit(1)
        with self._write() as db:
            found = db.execute(first).scalar()
            if found is None:
                return None
            taken = update(publication).where(c.id == found, due)
            row = db.execute(
                taken.values(claim=c.claim + 1, next_at=now + lease_s).returning(publication)
            ).mappings().first()  # fmt: skip
        return None if row is None else _to_publication(row)

    def posted(
        self, one: Publication, state: StatusState, now: float, *, final: bool, changes_at: float | None = None
    ) -> bool:
        """See `Publications`. One that changes is posted, and next at a later time than it was posted at."""
        later = now if changes_at is None else changes_at
        shown = {"posted": str(state), "posted_at": now, "attempts": 0, "next_at": later, "problem": ""}
        return self._change(one, state=POSTED if final else OPEN, **shown)

    def postpone(self, one: Publication, until: float, problem: str) -> bool:
        """See `Publications`."""
        return self._change(one, next_at=until, attempts=publication.c.attempts + 1, problem=problem)

    def end(self, one: Publication, problem: str) -> bool:
        """See `Publications`."""
        return self._change(one, state=ENDED, problem=problem)

    def reopen(self, now: float) -> int:
        """See `Publications`."""
        c, other = publication.c, publication.alias()
        own = and_(job.c.submission_id == c.submission_id, job.c.rerun_id.is_(None))
        again = exists().where(own, job.c.created_at > c.posted_at)
        same = (other.c[name] == c[name] for name in ("course", "repository", "lab"))
        newest = ~exists().where(*same, other.c.id > c.id, other.c.submission_id.is_not(None))
        changed = and_(c.next_at > c.posted_at, c.next_at <= now, newest)
        with self._write() as db:
            return db.execute(_opened().where(c.state == POSTED, or_(again, changed))).rowcount

    def _change(self, one: Publication, **values: Any) -> bool:
        with self._write() as db:
            return db.execute(update(publication).where(_own(one)).values(values)).rowcount > 0


def reopen_for(db: Connection, submissions: Sequence[str]) -> None:
    """What was told of these submissions is told anew: another of their jobs counts."""
    c = publication.c
    db.execute(_opened().where(c.submission_id.in_(submissions), c.state == POSTED))


def _opened() -> Update:
    """Due since it was posted, whenever it would have changed by itself."""
    return update(publication).values(state=OPEN, next_at=publication.c.posted_at)


def _own(one: Publication) -> ColumnElement[bool]:
    c = publication.c
    return and_(c.id == one.id, c.claim == one.claim, c.state == OPEN)


def _to_publication(row: RowMapping) -> Publication:
    names = ("id", "course", "repository", "lab", "submission_id", "refusal", "posted", "claim", "attempts")
    return Publication(commit=row["commit_id"], **{name: row[name] for name in names})
