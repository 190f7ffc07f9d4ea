"""What people have to be told."""

from collections.abc import Mapping

from sqlalchemy import select, update

from grader.adapters.sql_store.board_tables import notice
from grader.adapters.sql_store.engine import Transactions

MOST = 100


class SqlNotices(Transactions):
    """Satisfies `Notices`."""

    def unseen(self, person_id: int, *, limit: int = 20) -> list[Mapping[str, object]]:
        """See `Notices`."""
        c = notice.c
        columns = (c.id, c.course, c.submission_id, c.text, c.at)
        query = select(*columns).where(c.person_id == person_id, c.seen_at.is_(None)).order_by(c.id.desc())
        with self._read() as db:
            return [dict(row) for row in db.execute(query.limit(min(max(1, limit), MOST))).mappings()]

    def seen(self, person_id: int, notice_id: int, now: float) -> None:
        """See `Notices`."""
        own = (notice.c.id == notice_id, notice.c.person_id == person_id, notice.c.seen_at.is_(None))
        with self._write() as db:
            db.execute(update(notice).where(*own).values(seen_at=now))
