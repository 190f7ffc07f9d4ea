"""Who somebody is: one-time links, browser sessions and tokens, all of them random and kept as hashes only."""

import hashlib
import secrets
from dataclasses import dataclass, field

from grader.domain.errors import NotAllowed, NotFound, Refused
from grader.domain.people import Credential, CredentialKind, Person, Role, Viewer
from grader.domain.text import clean_line
from grader.steps.service import Service

DAY_S = 86_400.0
LIFETIME_S = {CredentialKind.LINK: 14 * DAY_S, CredentialKind.SESSION: 30 * DAY_S, CredentialKind.TOKEN: 366 * DAY_S}
MOST_TOKENS = 50
#: What a leaked token is found by in logs and repositories.
PREFIX = "grd_"
LABEL_CHARACTERS = 80


@dataclass(frozen=True)
class Issued:
    """A secret that is shown this once, and the record of it."""

    secret: str = field(repr=False)
    credential: Credential


def digest(secret: str) -> str:
    """What is kept of a secret. It has 256 random bits, so that one plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def issue(service: Service, person: Person, kind: CredentialKind, label: str) -> Issued:
    """A new secret of that kind for a person. Raises Refused where they have too many tokens."""
    if kind is CredentialKind.TOKEN and len(service.store.accounts.credentials(person.id, kind)) >= MOST_TOKENS:
        raise Refused(f"you have {MOST_TOKENS} tokens already", "revoke those you no longer use")
    secret = PREFIX + secrets.token_urlsafe(32)
    now = service.clock()
    named = clean_line(label, LABEL_CHARACTERS) or str(kind)
    kept = service.store.accounts.add_credential(person.id, kind, digest(secret), named, now, now + LIFETIME_S[kind])
    if kind is CredentialKind.TOKEN:
        service.store.operations.note(person.login, "", "token made", named, {}, now)
    return Issued(secret, kept)


def redeem_link(service: Service, secret: str) -> Person:
    """Whose one-time link this is; it is used up. Raises NotAllowed."""
    found = service.store.accounts.use_credential(digest(secret), CredentialKind.LINK, service.clock())
    if found is None:
        raise NotAllowed("this link has been used, has expired, or never was one", "ask your instructor for a new link")
    return found[0]


def holder(service: Service, secret: str, kind: CredentialKind) -> Viewer | None:
    """Who holds this session or token; None if nobody does."""
    found = service.store.accounts.use_credential(digest(secret), kind, service.clock())
    return None if found is None else viewer(service, found[0])


def viewer(service: Service, person: Person) -> Viewer:
    """A person with their roles."""
    return Viewer(person, service.store.accounts.roles(person.id))


def end_session(service: Service, secret: str) -> None:
    """Forget a session; nothing happens if it is none."""
    found = service.store.accounts.use_credential(digest(secret), CredentialKind.SESSION, service.clock())
    if found is not None:
        service.store.accounts.revoke(found[0].id, found[1].id, CredentialKind.SESSION)


def require(viewer: Viewer, course: str, role: Role) -> None:
    """Raises NotAllowed unless `viewer` has at least `role` there; NotFound for who is no member of it at all."""
    if course not in viewer.roles:
        raise NotFound(f'there is no course "{clean_line(course, 60)}" that you are in', "check its name")
    if not viewer.may(course, role):
        raise NotAllowed(f"this needs the role {role} in {course}", "ask your instructor")
