"""People, roles and secrets."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select, update

from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.roll import renew
from grader.adapters.sql_store.rows import to_credential, to_person
from grader.adapters.sql_store.standing_updates import hold
from grader.adapters.sql_store.tables import credential, member, person
from grader.domain.people import Credential, CredentialKind, Member, Person, Role

LISTED_CREDENTIALS = 200
NOTED_EVERY_S = 60.0
#: A secret of this kind that opens something now; `_given` is what it asks for.
_VALID = and_(
    credential.c.digest == bindparam("of_digest"),
    credential.c.kind == bindparam("of_kind"),
    or_(credential.c.expires_at.is_(None), credential.c.expires_at > bindparam("now")),
)
#: Made once, for they are asked with every request.
_OPENED = select(credential, person.c.login, person.c.name, person.c.email).join(person).where(_VALID)
_ROLES = select(member.c.course, member.c.role).where(member.c.person_id == bindparam("person_id"))


class SqlAccounts(Transactions):
    """Satisfies `Accounts`."""

    def put_person(self, login: str, name: str, email: str = "") -> Person:
        """See `Accounts`."""
        with self._write() as db:
            found = db.execute(select(person).where(person.c.login == login)).mappings().first()
            if found is None:
                new = insert(person).values(login=login, name=name, email=email).returning(person)
                return to_person(db.execute(new).mappings().one())
            if (found["name"], found["email"]) != (name, email):
                theirs = select(member.c.course).where(member.c.person_id == found["id"]).order_by(member.c.course)
                courses = db.execute(theirs).scalars().all()
                for course in courses:
                    hold(db, course)
                db.execute(update(person).where(person.c.id == found["id"]).values(name=name, email=email))
                renew(db, courses)
        return Person(found["id"], login, name, email)

    def person(self, login: str) -> Person | None:
        """See `Accounts`."""
        with self._read() as db:
            row = db.execute(select(person).where(person.c.login == login)).mappings().first()
        return None if row is None else to_person(row)

    def people(self, ids: Sequence[int]) -> dict[int, Person]:
        """See `Accounts`."""
        with self._read() as db:
            rows = db.execute(select(person).where(person.c.id.in_(ids))).mappings().all()
        return {row["id"]: to_person(row) for row in rows}

    def put_member(self, course: str, person_id: int, role: Role, section: str = "") -> None:
        """See `Accounts`."""
        here = and_(member.c.course == course, member.c.person_id == person_id)
        with self._write() as db:
            before = db.execute(select(member.c.role, member.c.section).where(here)).first()
            if before is not None and tuple(before) == (str(role), section):
                return
            hold(db, course)
            if db.execute(update(member).where(here).values(role=str(role), section=section)).rowcount == 0:
                db.execute(insert(member).values(course=course, person_id=person_id, role=str(role), section=section))
            renew(db, [course])

    def members(self, course: str, *, after: str = "", limit: int = 200) -> list[Member]:
        """See `Accounts`."""
        query = (
            select(person, member.c.role, member.c.section)
            .join(member, member.c.person_id == person.c.id)
            .where(member.c.course == course, person.c.login > after)
            .order_by(person.c.login)
            .limit(limit)
        )
        with self._read() as db:
            rows = db.execute(query).mappings().all()
        return [Member(to_person(row), Role(row["role"]), row["section"]) for row in rows]

    def roles(self, person_id: int) -> dict[str, Role]:
        """See `Accounts`."""
        with self._read() as db:
            rows = db.execute(_ROLES, {"person_id": person_id}).all()
        return {course: Role(role) for course, role in rows}

    def add_credential(
        self, person_id: int, kind: CredentialKind, digest: str, label: str, now: float, expires_at: float | None
    ) -> Credential:
        """See `Accounts`."""
        values = {"kind": str(kind), "digest": digest, "label": label, "created_at": now, "expires_at": expires_at}
        with self._write() as db:
            row = db.execute(
                insert(credential).values(person_id=person_id, **values).returning(credential)
            ).mappings().one()  # fmt: skip
        return to_credential(row)

    def use_credential(self, digest: str, kind: CredentialKind, now: float) -> tuple[Person, Credential] | None:
        """See `Accounts`."""
        if kind is not CredentialKind.LINK:
            return self._noted(digest, kind, now)
        used = delete(credential).where(_VALID).returning(credential)
        with self._write() as db:
            found = db.execute(used, _given(digest, kind, now)).mappings().first()
            if found is None:
                return None
            owner = db.execute(select(person).where(person.c.id == found["person_id"])).mappings().one()
        return to_person(owner), to_credential(found)

    def _noted(self, digest: str, kind: CredentialKind, now: float) -> tuple[Person, Credential] | None:
        """Whose it is; its use is written down once a minute at most, for this happens with every request."""
        with self._read() as db:
            found = db.execute(_OPENED, _given(digest, kind, now)).mappings().first()
        if found is None:
            return None
        if (found["used_at"] or 0.0) < now - NOTED_EVERY_S:
            with self._write() as db:
                db.execute(update(credential).where(credential.c.id == found["id"]).values(used_at=now))
        return Person(found["person_id"], found["login"], found["name"], found["email"]), to_credential(found)

    def peek_credential(self, digest: str, kind: CredentialKind, now: float) -> Person | None:
        """See `Accounts`."""
        query = select(person).join(credential).where(_VALID)
        with self._read() as db:
            row = db.execute(query, _given(digest, kind, now)).mappings().first()
        return None if row is None else to_person(row)

    def credentials(self, person_id: int, kind: CredentialKind) -> list[Credential]:
        """See `Accounts`."""
        query = (
            select(credential)
            .where(credential.c.person_id == person_id, credential.c.kind == str(kind))
            .order_by(credential.c.id.desc())
            .limit(LISTED_CREDENTIALS)
        )
        with self._read() as db:
            return [to_credential(row) for row in db.execute(query).mappings()]

    def revoke(self, person_id: int, credential_id: int, kind: CredentialKind) -> bool:
        """See `Accounts`."""
        c = credential.c
        own = and_(c.id == credential_id, c.person_id == person_id, c.kind == str(kind))
        with self._write() as db:
            return db.execute(delete(credential).where(own)).rowcount > 0

    def has_anyone(self) -> bool:
        """See `Accounts`."""
        with self._read() as db:
            return bool(db.execute(select(exists().where(member.c.role == str(Role.INSTRUCTOR)))).scalar())


def _given(digest: str, kind: CredentialKind, now: float) -> dict[str, str | float]:
    return {"of_digest": digest, "of_kind": str(kind), "now": now}
