"""What was pushed while nobody could write it down: the repositories are a second truth, and hand it in again."""

import logging

from grader.domain.errors import GraderError
from grader.ports.repositories import Repositories
from grader.steps import access
from grader.steps.intake import Receipt
from grader.steps.pushing import MAIN, NOTHING, SOURCE, TAKEN, Push, accept, look, pin
from grader.steps.service import Service

log = logging.getLogger(__name__)


def recover(service: Service, repositories: Repositories) -> int:
    """Hand in what was pushed while nobody could write it down; how many. Every repository is looked at once."""
    return sum(len(recover_quietly(service, repositories, course, login)) for course, login in repositories.all())


def recover_quietly(service: Service, repositories: Repositories, course: str, login: str) -> list[Receipt]:
    """As `recover_one`; an error is logged, for one repository's trouble is not the others'."""
    try:
        return recover_one(service, repositories, course, login)
    except GraderError as error:
        log.error("a repository could not be looked at: %s/%s: %s", course, login, error)
        return []


def recover_one(service: Service, repositories: Repositories, course: str, login: str) -> list[Receipt]:
    """Hand in what the tip of one repository holds and no submission does, with the time at which git took it.

    Where git has not noted that time, with the present one, whatever is closed by now: it was let in. That is in the
    audit log, for a grader to make up for by an extension.
    """
    person = service.store.accounts.person(login)
    tip = repositories.tip(course, login)
    if person is None or tip is None:
        return []
    with repositories.reading(course, login) as commits:
        if tip in (commits.first(), commits.pinned(TAKEN)):
            return []
    viewer = access.viewer(service, person)
    if course not in viewer.roles:
        return []
    at = repositories.moved_at(course, login)
    push = Push(viewer, course, ((NOTHING, tip, MAIN),), at=None if at is None else min(at, service.clock()))
    _pin_written(service, repositories, push)
    receipts = accept(service, repositories, push).receipts
    if at is None and receipts:
        note = {"submissions": [receipt.handin.id for receipt in receipts], "time": "that of the recovery"}
        service.store.operations.note("grader", course, "push recovered", login, note, service.clock())
    return receipts


def _pin_written(service: Service, repositories: Repositories, push: Push) -> None:
    """Pin the commit of submissions that were written down in the last moment of a process."""
    seen = look(service, repositories, push)
    changed = {lab.id for lab, _ in seen.changed}
    with repositories.reading(push.course, push.login) as commits:
        for lab in (lab for lab in seen.present if lab.id not in changed):
            newest = service.store.submissions.latest(push.course, lab.id, push.viewer.person.id)
            if newest is not None and newest.source == SOURCE and not commits.pinned(newest.id):
                pin(repositories, push, lab, newest.id)
