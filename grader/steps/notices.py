"""What somebody has to be told until they have read it: a rerun has changed the score of something they handed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.domain.course import Handin
from grader.domain.people import Viewer
from grader.domain.rerun import Move
from grader.steps.rules import hidden
from grader.steps.service import Service
from grader.steps.viewing import visible


@dataclass(frozen=True)
class Notice:
    """One thing to be told. `change` is what became of the points as the reader may see them: `48 → 60`, or empty."""

    id: int
    course: str
    submission: str
    text: str
    change: str
    at: float


def unseen(service: Service, viewer: Viewer) -> list[Notice]:
    """What they have not read yet, newest first."""
    return [_notice(service, viewer, one) for one in service.store.notices.unseen(viewer.person.id)]


def seen(service: Service, viewer: Viewer, notice_id: int) -> None:
    """They have read it; of anybody else's notice nothing happens."""
    service.store.notices.seen(viewer.person.id, notice_id, service.clock())


def moves(service: Service, viewer: Viewer, submission_id: str) -> list[Move]:
    """What reruns did to the score of a submission, newest first, as this viewer may read it. Raises NotFound."""
    return _moves(service, viewer, visible(service, viewer, submission_id))


def change(move: Move) -> str:
    """What became of the points: `48 → 60`; empty where the reader sees none of it."""
    before, after = (move.after, move.before) if move.reverted else (move.before, move.after)
    words = ["no score" if points is None else str(points) for points in (before, after)]
    return "" if before == after else " → ".join(words)


def _moves(service: Service, viewer: Viewer, handin: Handin) -> list[Move]:
    found = service.store.reruns.moves(handin.id)
    if not found:
        return found
    shut = hidden(service, viewer, handin.course, handin.lab, handin.person_id)
    return [move.without(shut.tests) for move in found]


def _notice(service: Service, viewer: Viewer, told: Mapping[str, Any]) -> Notice:
    handin = service.store.submissions.get(told["submission_id"])
    seen_by = handin is not None and viewer.may_see(handin.course, handin.person_id)
    newest = next(iter(_moves(service, viewer, handin)), None) if handin is not None and seen_by else None
    became = change(newest) if newest else ""
    names = ("id", "course", "text", "at")
    return Notice(**{name: told[name] for name in names}, submission=told["submission_id"], change=became)
