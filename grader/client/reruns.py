"""Reruns as the API of a grader tells them, and what a grader says to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urljoin

from grader.client.answers import Incomprehensible
from grader.client.remote import PATIENT, Remote
from grader.domain.rerun import RerunState

#: Seconds between two looks at a rerun that is being graded.
LOOK_S = 1.0
PAGE = 1000


@dataclass(frozen=True)
class SeenRerun:
    """One rerun. `preview` is empty while it runs: counts, tests (test, gain, lose), kept, moved_on, pending."""

    id: str
    course: str
    lab: str
    spec: str
    state: RerunState
    note: str
    by: str
    created_at: float
    items: int
    done: int
    url: str
    preview: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: Any, server: str) -> Self:
        """From the JSON of an answer. Raises Incomprehensible."""
        try:
            return cls(
                **{name: str(data[name]) for name in ("id", "course", "lab", "note", "by")},
                spec=str(data["spec_digest"]),
                state=RerunState(data["state"]),
                created_at=float(data["created_at"]),
                items=int(data["items"]),
                done=int(data["done"]),
                url=urljoin(f"{server}/", str(data["url"])),
                preview=_preview(data.get("preview")),
                raw=data,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Incomprehensible(server) from None


@dataclass(frozen=True)
class SeenItem:
    """One submission of a rerun."""

    submission: str
    login: str
    before: int | None
    after: int | None
    direction: str
    fate: str


def begin(remote: Remote, course: str, sent: Mapping[str, Any]) -> SeenRerun:
    """Start one. Raises GraderError, as everything here."""
    return SeenRerun.read(remote.post(f"courses/{quote(course, safe='')}/reruns", sent), remote.server)


def listed(remote: Remote, course: str) -> list[SeenRerun]:
    """Those of a course, newest first."""
    found = remote.get(f"courses/{quote(course, safe='')}/reruns")
    if not isinstance(found, list):
        raise Incomprehensible(remote.server)
    return [SeenRerun.read(one, remote.server) for one in found]


def look(remote: Remote, rerun: str, never_lower: bool | None = None) -> SeenRerun:
    """One of them."""
    policy = "" if never_lower is None else str(never_lower).lower()
    return SeenRerun.read(remote.get(f"reruns/{quote(rerun, safe='')}", never_lower=policy), remote.server)


def items(remote: Remote, rerun: str, never_lower: bool | None = None) -> list[SeenItem]:
    """All its submissions."""
    policy = "" if never_lower is None else str(never_lower).lower()
    found: list[SeenItem] = []
    while True:
        path = f"reruns/{quote(rerun, safe='')}/items"
        page = remote.get(path, never_lower=policy, offset=str(len(found)), limit=str(PAGE))
        try:
            found += [_item(one) for one in page]
        except (KeyError, TypeError, ValueError):
            raise Incomprehensible(remote.server) from None
        if len(page) < PAGE:
            return found


def act(remote: Remote, rerun: str, action: str, never_lower: bool | None = None) -> SeenRerun:
    """Apply, revert, discard or cancel it."""
    sent = {"never_lower": never_lower} if action == "apply" else None
    return SeenRerun.read(remote.post(f"reruns/{quote(rerun, safe='')}/{action}", sent), remote.server)


def follow(
    remote: Remote, rerun: SeenRerun, told: Callable[[SeenRerun], None], pause: Callable[[float], None]
) -> SeenRerun:
    """Look again and again until it is graded; each look is told."""
    while rerun.state is RerunState.RUNNING:
        pause(LOOK_S)
        path = f"reruns/{quote(rerun.id, safe='')}"
        rerun = SeenRerun.read(remote.get(path, tries=PATIENT), remote.server)
        told(rerun)
    return rerun


def _preview(data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    return {
        "counts": {str(name): int(n) for name, n in data["counts"].items()},
        "tests": [(str(one["test"]), int(one["gain"]), int(one["lose"])) for one in data["tests"]],
        **{name: int(data[name]) for name in ("kept", "moved_on", "pending")},
    }


def _item(data: Mapping[str, Any]) -> SeenItem:
    before, after = (None if data[name] is None else int(data[name]) for name in ("before", "after"))
    words = {name: str(data[name]) for name in ("submission", "login", "direction", "fate")}
    return SeenItem(before=before, after=after, **words)
