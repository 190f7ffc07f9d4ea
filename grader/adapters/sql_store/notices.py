"""What people have to be told."""

from collections.abc import Mapping

from sqlalchemy import Integer, bindparam, select, update

from grader.adapters.sql_store.board_tables import notice
from grader.adapters.sql_store.engine import Transactions

MOST = 100
#: Made once, for it is asked with every page.
_UNSEEN = (
    select(notice.c.id, notice.c.course, notice.c.submission_id, notice.c.text, notice.c.at)
    .where(notice.c.person_id == bindparam("person_id"), notice.c.seen_at.is_(None))
    .order_by(notice.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)


class SqlNotices(Transactions):
    """Satisfies `Notices`."""

    def unseen(self, person_id: int, *, limit: int = 20) -> list[Mapping[str, object]]:
        """See `Notices`."""
        given = {"person_id": person_id, "limit": min(max(1, limit), MOST)}
        with self._read() as db:
            return [dict(row) for row in db.execute(_UNSEEN, given).mappings()]

    def seen(self, person_id: int, notice_id: int, now: float) -> None:
        """See `Notices`."""
        own = (notice.c.id == notice_id, notice.c.person_id == person_id, notice.c.seen_at.is_(None))
        with self._write() as db:
            db.execute(update(notice).where(*own).values(seen_at=now))
