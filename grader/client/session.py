"""Which grader a command talks to, as whom, and about which course and lab."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grader.client import credentials
from grader.client.answers import Incomprehensible
from grader.client.remote import Remote
from grader.domain.errors import Refused, UnknownLab

TOKEN = "GRADER_TOKEN"


@dataclass(frozen=True)
class ChosenLab:
    """A lab of a course, as the server lists it."""

    course: str
    id: str
    title: str
    submission: tuple[str, ...]
    optional: tuple[str, ...] = ()


def connect(server: str | None) -> Remote:
    """The client of the grader chosen, as whoever is logged in there. Raises Refused."""
    kept = credentials.read()
    chosen = credentials.server_of(server) if server else kept.default
    if not chosen:
        raise Refused("you are not logged in to a grader yet", "log in first: grader login URL")
    login = kept.logins.get(chosen)
    token = os.environ.get(TOKEN, "").strip() or (login.token if login else "")
    if not token:
        raise Refused(f"you are not logged in to {chosen}", f"log in first: grader login {chosen}")
    return Remote(chosen, token)


def courses(remote: Remote, course: str | None) -> list[str]:
    """The course named, or all of theirs. Raises GraderError."""
    if course:
        return [course]
    roles = remote.me().get("roles")
    if not isinstance(roles, dict):
        raise Incomprehensible(remote.server)
    if not roles:
        raise Refused("you are in no course yet", "ask your instructor to add you to the course")
    return sorted(roles)


def find_lab(remote: Remote, course: str | None, prefix: str) -> ChosenLab:
    """The only lab of this id, or that begins so, in the courses looked at. Raises GraderError."""
    labs = [lab for name in courses(remote, course) for lab in labs_of(remote, name)]
    found = [lab for lab in labs if lab.id == prefix] or [lab for lab in labs if lab.id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownLab(f"no lab begins with {prefix!r}", _known(labs))
    if len({lab.course for lab in found}) == len(found):
        raise Refused(f"{found[0].id} is in several of your courses", f"choose with --course {found[0].course}")
    raise UnknownLab(f"several labs begin with {prefix!r}", _known(found))


def labs_of(remote: Remote, course: str) -> list[ChosenLab]:
    """The labs of one course. Raises GraderError."""
    return [_lab(course, lab, remote.server) for lab in remote.labs(course)]


def _lab(course: str, data: dict[str, Any], server: str) -> ChosenLab:
    try:
        files, optional = (tuple(str(file) for file in data[name]) for name in ("submission", "optional"))
        return ChosenLab(course, str(data["id"]), str(data["title"]), files, optional)
    except (KeyError, TypeError):
        raise Incomprehensible(server) from None


def _known(labs: Sequence[ChosenLab]) -> str:
    return f"there are {', '.join(lab.id for lab in labs)}" if labs else "your course has no labs yet"
