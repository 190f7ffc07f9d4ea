"""From a push that a forge told of to submissions: its commit is fetched, and every lab that changed handed in.

Safe to do twice: what was handed in is found again, and a status is wanted once per commit and lab. What is held
against deadlines is when the webhook came: neither the commit's own date, which is its author's, nor that of the fetch.
"""

import logging
from dataclasses import dataclass
from urllib.parse import quote

from grader.domain.course import CourseLab
from grader.domain.errors import GraderError, NoAttemptLeft, Refused, TooOften, UnreadableSubmission
from grader.domain.forge import Delivery, DeliveryState, Forge, ForgeKind, Push, basic_authorization
from grader.domain.people import Viewer
from grader.domain.submission import Submission
from grader.domain.text import clean_line
from grader.ports.repositories import Commits
from grader.steps import access, handing_out, intake
from grader.steps.publishing import MOST_ATTEMPTS, Outlet, pause
from grader.steps.service import Service
from grader.steps.trees import files_in, is_starter

log = logging.getLogger(__name__)

#: How long one publisher has a push to itself, and how late one that was killed with it is followed by another. A fetch
#: that takes longer may be done by two of them: that changes nothing.
LEASE_S = 30.0
#: How long nothing else is fetched from a forge after a fetch that failed.
REST_S = 5.0


@dataclass(frozen=True)
class _Taking:
    """One push as it is taken in."""

    service: Service
    commits: Commits
    viewer: Viewer
    forge: Forge
    push: Push
    arrived_at: float

    def files(self, lab: CourseLab) -> Submission | None:
        """A lab's files in the commit; None if it has none of them. Raises UnreadableSubmission."""
        return files_in(self.service, self.commits, lab, self.push.commit)


def fetch_one(service: Service, outlet: Outlet) -> bool:
    """Take in one push that is due; False if none is. Raises StoreDown."""
    now = service.clock()
    found = service.store.deliveries.claim(outlet.awake(outlet.fetching, now), now, LEASE_S)
    if found is None:
        return False
    try:
        _take_in(service, outlet, found)
    except (Refused, UnreadableSubmission) as error:
        log.warning("a push was refused: %s: %s", found.repository, error)
        service.store.deliveries.settle(found, DeliveryState.REFUSED, str(error), service.clock())
    except TooOften as error:
        until = service.clock() + error.retry_after_s
        service.store.deliveries.postpone(found, until, error.message, failed=False)
    except GraderError as error:
        outlet.fetching.rest(found.course, service.clock() + REST_S)
        _again(service, found, error)
    else:
        service.store.deliveries.settle(found, DeliveryState.FETCHED, "", service.clock())
    return True


def clone_url(forge: Forge, repository: str) -> str:
    """Where a repository is fetched from: the forge's own address and the name that the configuration knows."""
    return f"{forge.url}/{quote(repository)}.git"


def _take_in(service: Service, outlet: Outlet, found: Delivery) -> None:
    store, repositories = service.store, outlet.repositories
    person = store.accounts.person(found.login)
    course = store.courses.course(found.course)
    viewer = access.viewer(service, person) if person else None
    if viewer is None or course is None or course.id not in viewer.roles:
        raise Refused(f"{found.login} is not in the course any more")
    forge = outlet.forges[found.course]
    handing_out.make(service, repositories, course.id, found.login)
    repositories.offer(course.id, found.login)
    user = "x-access-token" if forge.kind is ForgeKind.GITHUB else "oauth2"
    url = clone_url(forge, found.repository)
    repositories.fetch(course.id, found.login, url, found.commit, basic_authorization(user, forge.token))
    with repositories.reading(course.id, found.login) as commits:
        taking = _Taking(service, commits, viewer, forge, Push(found.repository, found.commit), found.received_at)
        for lab in store.courses.labs(course.id):
            try:
                _hand_in(taking, lab)
            except (UnreadableSubmission, Refused, NoAttemptLeft) as error:
                words = clean_line(f"not accepted: {error.message}", 100)
                store.publications.want(course.id, taking.push, lab.id, service.clock(), refusal=words)


def _hand_in(taking: _Taking, lab: CourseLab) -> None:
    """Hand a lab in if it changed, and let the commit show what is known of it."""
    files = taking.files(lab)
    if files is None:
        return
    store = taking.service.store
    newest = store.submissions.latest(lab.course, lab.id, taking.viewer.person.id)
    if newest is None or newest.digest != files.digest:
        if is_starter(taking.service, taking.commits, lab, files):
            return
        source, at = str(taking.forge.kind), taking.arrived_at
        newest = intake.submit_files(taking.service, taking.viewer, lab, files, source, at=at).handin
    store.publications.want(lab.course, taking.push, lab.id, taking.service.clock(), submission_id=newest.id)


def _again(service: Service, found: Delivery, error: GraderError) -> None:
    deliveries, now = service.store.deliveries, service.clock()
    if found.attempts + 1 >= MOST_ATTEMPTS:
        log.error("a push was given up: %s: %s", found.repository, error)
        detail = {"commit": found.commit, "problem": clean_line(str(error), 500)}
        service.store.operations.note("grader", found.course, "push given up", found.repository, detail, now)
        deliveries.settle(found, DeliveryState.FAILED, str(error), now)
        return
    log.warning("a push could not be fetched and is tried again: %s: %s", found.repository, error)
    deliveries.postpone(found, now + pause(found.attempts), str(error), failed=True)
