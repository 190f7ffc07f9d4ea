"""Posts what became of a commit to the forge it came from, as one commit status per lab. Grading never waits for it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.domain.errors import ForgeDown, ForgeRefused
from grader.domain.forge import Forge, Publication, Status, StatusState
from grader.domain.job import WAITING, Job, JobState
from grader.domain.text import clean_line
from grader.ports.forge import Statuses
from grader.ports.repositories import Repositories
from grader.steps import rules
from grader.steps.service import Service

log = logging.getLogger(__name__)

#: How long one publisher has a status to itself: longer than the answer of a forge takes.
LEASE_S = 30.0
#: Tries until a status or a fetch is given up: most of a day.
MOST_ATTEMPTS = 40
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 1800.0
#: How long nothing else is asked of a forge that did not answer.
REST_S = 20.0
DESCRIPTION_CHARACTERS = 140


class Rests:
    """Which courses' forges are left alone, and until when. Each process has its own."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def rest(self, course: str, until: float) -> None:
        """Leave this one alone until then."""
        self._until[course] = max(until, self._until.get(course, 0.0))

    def are_over(self, course: str, now: float) -> bool:
        """Whether it may be asked."""
        return now >= self._until.get(course, 0.0)


@dataclass(frozen=True)
class Outlet:
    """What lies beyond the store: the forges by course, how they are told, where commits are kept.

    `public_url` is how browsers reach the grader, without a slash at the end.
    """

    forges: Mapping[str, Forge]
    statuses: Statuses
    repositories: Repositories
    public_url: str
    posting: Rests = field(default_factory=Rests)
    fetching: Rests = field(default_factory=Rests)

    def awake(self, rests: Rests, now: float) -> list[str]:
        """The courses whose forges may be asked now."""
        return [course for course in self.forges if rests.are_over(course, now)]


def post_one(service: Service, outlet: Outlet) -> bool:
    """Post one status that is due; False if none is. Raises StoreDown."""
    now = service.clock()
    found = service.store.publications.claim(outlet.awake(outlet.posting, now), now, LEASE_S)
    if found is None:
        return False
    forge = outlet.forges[found.course]
    told = tell(service, found)
    where = f"/submissions/{found.submission_id}" if found.submission_id else f"/c/{found.course}"
    address, words = outlet.public_url + where, clean_line(told.words, DESCRIPTION_CHARACTERS - 30)
    try:
        outlet.statuses.post(
            forge, Status(found.repository, found.commit, told.state, f"grader/{found.lab}", words, address)
        )
    except ForgeRefused as error:
        _give_up(service, found, str(error))
    except ForgeDown as error:
        outlet.posting.rest(found.course, service.clock() + max(REST_S, error.retry_after_s))
        _again(service, found, error)
    else:
        # a job made since is news
        service.store.publications.posted(found, told.state, now, final=told.final, changes_at=told.changes_at)
    return True


@dataclass(frozen=True)
class Told:
    """How a commit stands in a lab, in fixed words; whether that is the last of it for now, or until when."""

    state: StatusState
    words: str
    final: bool = True
    changes_at: float | None = None


def tell(service: Service, one: Publication) -> Told:
    """What to tell of it now, as its student may see it: whoever reads the forge may be one."""
    if one.submission_id is None:
        return Told(StatusState.ERROR, one.refusal)
    job = service.store.jobs.shown([one.submission_id])[one.submission_id]
    if not job.state.final:
        words = "waits to be graded" if job.state in WAITING else "is being graded"
        return Told(StatusState.PENDING, words, final=False)
    if job.state is not JobState.GRADED:
        return Told(StatusState.ERROR, _ending(job))
    policy = rules.policy_of(service, job.course, job.lab, job.person_id)
    shut = rules.hidden_by(policy, service.clock())
    [seen] = rules.masked(service, [job], shut)
    state = StatusState.SUCCESS if seen.points == seen.max_points else StatusState.FAILURE
    words = f"{seen.points} of {seen.max_points} points"
    if not shut:
        return Told(state, words)
    return Told(state, f"{words}; {len(shut.tests)} more hidden until it is due", changes_at=shut.until)


def _ending(job: Job) -> str:
    return {
        JobState.SUPERSEDED: "not graded: a newer submission came before its turn",
        JobState.CANCELLED: "not graded: it was cancelled",
        JobState.DEAD: "not graded for a reason of ours: your instructor can run it again",
    }.get(job.state, "could not be graded: the page says why")


def pause(attempts: int, asked: float = 0.0) -> float:
    """How long to wait after so many failed tries before this one: doubles; at least what the forge asked for."""
    return max(asked, float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempts, 20))))


def _again(service: Service, one: Publication, error: ForgeDown) -> None:
    if one.attempts + 1 >= MOST_ATTEMPTS:
        _give_up(service, one, f"{error}; tried {MOST_ATTEMPTS} times")
        return
    until = service.clock() + pause(one.attempts, error.retry_after_s)
    log.warning("a status could not be posted and is tried again: %s", error)
    service.store.publications.postpone(one, until, str(error))


def _give_up(service: Service, one: Publication, problem: str) -> None:
    log.error("a commit status was not posted: %s", problem, extra={"submission": one.submission_id})
    if service.store.publications.end(one, problem):
        detail = {"commit": one.commit, "lab": one.lab, "problem": clean_line(problem, 500)}
        service.store.operations.note(
            "grader", one.course, "status not posted", one.repository, detail, service.clock()
        )
