"""Pushes that forges told of: each is kept once, and taken in by one publisher at a time."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.tables import delivery
from grader.domain.forge import Delivery, DeliveryState, Push

_RECEIVED = str(DeliveryState.RECEIVED)
OUTDATED = "a newer push of this repository was fetched before"
_FREE: dict[str, Any] = {"lease_until": None}


class SqlDeliveries(Transactions):
    """Satisfies `Deliveries`."""

    def receive(self, course: str, delivery_id: str, digest: str, push: Push, login: str, now: float) -> bool:
        """See `Deliveries`."""
        c = delivery.c
        known = exists().where(c.course == course, or_(c.delivery == delivery_id, c.digest == digest))
        row = {"course": course, "delivery": delivery_id, "digest": digest, "login": login, "received_at": now}
        fresh = {"state": _RECEIVED, "claim": 0, "attempts": 0, "next_at": now, "problem": ""}
        try:
            with self._write() as db:
                if db.execute(select(known)).scalar():
                    return False
                push_row = {"repository": push.repository, "commit_id": push.commit}
                db.execute(insert(delivery).values(**row, **fresh, **push_row))
        except IntegrityError:  # somebody else was told of the same at the same moment
            return False
        return True

    def claim(self, courses: Collection[str], now: float, lease_s: float) -> Delivery | None:
        """See `Deliveries`."""
        c = delivery.c
        due = and_(c.state == _RECEIVED, c.next_at <= now, or_(c.lease_until.is_(None), c.lease_until <= now))
        held = delivery.alias()
        busy = exists().where(
            held.c.course == c.course,
            held.c.repository == c.repository,
            held.c.state == _RECEIVED,
            held.c.lease_until > now,
        )
        query = (
            select(c.id, c.course, c.repository)
            .where(due, ~busy, c.course.in_(courses))
            .order_by(c.next_at, c.id)
            .limit(1)
        )
        with self._write() as db:
            found = db.execute(query).first()
            if found is None:
                return None
            _lock(db, found.course, found.repository)
            taken = update(delivery).where(c.id == found.id, due, ~busy)
            row = db.execute(
                taken.values(claim=c.claim + 1, lease_until=now + lease_s).returning(delivery)
            ).mappings().first()  # fmt: skip
        return None if row is None else _to_delivery(row)

    def settle(self, one: Delivery, state: DeliveryState, problem: str, now: float) -> bool:
        """See `Deliveries`."""
        c = delivery.c
        ended = {"state": str(state), "problem": problem, **_FREE}
        with self._write() as db:
            _lock(db, one.course, one.repository)
            if db.execute(update(delivery).where(_own(one)).values(ended)).rowcount == 0:
                return False
            if state is DeliveryState.FETCHED:
                same = and_(c.course == one.course, c.repository == one.repository, c.state == _RECEIVED)
                refused = {"state": str(DeliveryState.REFUSED), "problem": OUTDATED, **_FREE}
                db.execute(update(delivery).where(same, c.id < one.id).values(refused))
        return True

    def postpone(self, one: Delivery, until: float, problem: str, *, failed: bool) -> bool:
        """See `Deliveries`."""
        attempts = delivery.c.attempts + (1 if failed else 0)
        later = {"next_at": until, "problem": problem, "attempts": attempts, **_FREE}
        with self._write() as db:
            return db.execute(update(delivery).where(_own(one)).values(later)).rowcount > 0


def _lock(db: Connection, course: str, repository: str) -> None:
    """Whoever changes deliveries of the same repository waits here, in one order for all, and then sees this change."""
    c = delivery.c
    waiting = and_(c.course == course, c.repository == repository, c.state == _RECEIVED)
    db.execute(select(c.id).where(waiting).order_by(c.id).with_for_update())


def _own(one: Delivery) -> ColumnElement[bool]:
    c = delivery.c
    return and_(c.id == one.id, c.claim == one.claim, c.state == _RECEIVED)


def _to_delivery(row: RowMapping) -> Delivery:
    names = ("id", "course", "repository", "login", "received_at", "claim", "attempts")
    return Delivery(commit=row["commit_id"], **{name: row[name] for name in names})
