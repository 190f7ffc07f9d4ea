"""Who is who in a course, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_ORDER = ("student", "grader", "instructor")


class Role(StrEnum):
    """In one course; each may do all that those before it may."""

    STUDENT = "student"
    GRADER = "grader"
    INSTRUCTOR = "instructor"

    def covers(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        return _ORDER.index(self) >= _ORDER.index(other)


@dataclass(frozen=True)
class Person:
    """Somebody with a login, unique over all courses."""

    id: int
    login: str
    name: str
    email: str = ""


@dataclass(frozen=True)
class Member:
    """A person in one course."""

    person: Person
    role: Role
    section: str = ""


@dataclass(frozen=True)
class Viewer:
    """Who is asking: a person and their role per course."""

    person: Person
    roles: Mapping[str, Role] = field(hash=False)

    def may(self, course: str, role: Role) -> bool:
        """Whether they have at least `role` in `course`."""
        own = self.roles.get(course)
        return own is not None and own.covers(role)

    def may_see(self, course: str, owner: int) -> bool:
        """Whether they may see what `owner` handed in there: their own, or as a grader anybody's."""
        return (self.person.id == owner and course in self.roles) or self.may(course, Role.GRADER)


class CredentialKind(StrEnum):
    """What a secret opens. A link works once; a session is a browser's; a token is a program's."""

    LINK = "link"
    SESSION = "session"
    TOKEN = "token"


@dataclass(frozen=True)
class Credential:
    """A secret of which only the SHA-256 is kept. Times are seconds since 1970; `expires_at` None means never."""

    id: int
    person_id: int
    kind: CredentialKind
    label: str
    created_at: float
    expires_at: float | None
    used_at: float | None
