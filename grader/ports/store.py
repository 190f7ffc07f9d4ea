"""The store: the truth about courses, people, submissions and jobs. Every method is one transaction.

Times are seconds since 1970 and are given by the caller, so that a test owns the clock. Lists are bounded by `limit`.
Lookups give None for what is not there; who may see it is decided by the caller.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from grader.domain.course import Best, Course, CourseLab, Handed, Handin, Kept, KnownSpec, Spec
from grader.domain.errors import Fault
from grader.domain.job import Attempt, Beat, Job, JobRules, JobState, Line, Lost, Outcome
from grader.domain.live import LiveEvent
from grader.domain.people import Credential, CredentialKind, Member, Person, Role
from grader.domain.policy import Cap
from grader.domain.submission import Submission
from grader.ports.forge import Deliveries, Publications
from grader.ports.operations import Operations
from grader.ports.standings import Notices, Reruns, Standings


class Accounts(Protocol):
    """People, their roles and their secrets, of which only hashes are kept."""

    def put_person(self, login: str, name: str, email: str = "") -> Person:
        """The person with this login, made or brought up to date."""
        ...

    def person(self, login: str) -> Person | None:
        """The person with this login."""
        ...

    def people(self, ids: Sequence[int]) -> dict[int, Person]:
        """These people by id."""
        ...

    def put_member(self, course: str, person_id: int, role: Role, section: str = "") -> None:
        """Give a person a role in a course, in place of any other."""
        ...

    def members(self, course: str, *, after: str = "", limit: int = 200) -> list[Member]:
        """Members by login, from behind `after`."""
        ...

    def roles(self, person_id: int) -> dict[str, Role]:
        """Their role in each of their courses."""
        ...

    def add_credential(
        self, person_id: int, kind: CredentialKind, digest: str, label: str, now: float, expires_at: float | None
    ) -> Credential:
        """Keep the SHA-256 of a secret."""
        ...

    def use_credential(self, digest: str, kind: CredentialKind, now: float) -> tuple[Person, Credential] | None:
        """Whose unexpired secret this is; None if nobody's. A link is used up by it."""
        ...

    def peek_credential(self, digest: str, kind: CredentialKind, now: float) -> Person | None:
        """As `use_credential`, but nothing is used up or noted."""
        ...

    def credentials(self, person_id: int, kind: CredentialKind) -> list[Credential]:
        """Their unexpired secrets of a kind, newest first, at most 200."""
        ...

    def revoke(self, person_id: int, credential_id: int, kind: CredentialKind) -> bool:
        """Forget one of their own secrets of a kind; False if there is none."""
        ...

    def has_anyone(self) -> bool:
        """Whether there is any instructor yet."""
        ...


class Courses(Protocol):
    """Courses, labs and the specs they were ever graded by."""

    def put_course(self, course: Course, /) -> None:
        """Make or bring up to date."""
        ...

    def courses(self) -> list[Course]:
        """All of them by id."""
        ...

    def course(self, course_id: str) -> Course | None:
        """One of them."""
        ...

    def put_lab(self, course: str, spec: Spec, /, calibration: str | None = None) -> bool:
        """Make `spec` what new submissions of its lab are graded by; True if that is a change.

        `calibration` is the lab's record now, None for none; another one alone is no change.
        """
        ...

    def calibration(self, course: str, lab: str) -> str | None:
        """The calibration record that was last put for a lab."""
        ...

    def labs(self, course: str, /) -> list[CourseLab]:
        """The labs of a course in its order."""
        ...

    def spec(self, digest: str) -> Spec | None:
        """A spec, whether current or not."""
        ...

    def specs(self, course: str, lab: str) -> list[KnownSpec]:
        """Those that jobs of the lab were made under, and the present one; the newest first."""
        ...


class Submissions(Protocol):
    """What was handed in: immutable, addressed by content."""

    def add(self, handin: Handin, files: Submission, job: Job, cap: Cap | None = None) -> Kept:
        """Keep a submission and its job; both or neither. Gives it its number.

        Raises CapReached where `cap` leaves no attempt, whatever else is handed in at that moment.

        Handed in again unchanged, under the same spec and with no reason to grade it once more, the earlier one is
        given back and nothing is added: a client may repeat a request whose answer it never got.
        Jobs of the same person and lab that still wait are superseded; a running one is left to finish.
        """
        ...

    def get(self, submission_id: str) -> Handin | None:
        """One of them."""
        ...

    def files(self, digest: str) -> Submission | None:
        """The files with this content address."""
        ...

    def latest(self, course: str, lab: str, person_id: int) -> Handin | None:
        """The newest of one person for one lab."""
        ...

    def until(self, handin: Handin, people: Sequence[int], limit: int) -> list[tuple[float, Submission]]:
        """What these people have handed in for the lab of `handin` up to it, oldest first, at most `limit`.

        It comes last. Of others' it has what came before its own moment.
        """
        ...

    def page(
        self, course: str, *, person_id: int | None = None, lab: str | None = None, before: str = "", limit: int = 50
    ) -> list[Handed]:
        """Newest first, from behind the submission `before`; each with the job that is shown of it."""
        ...

    def since(self, person_id: int, moment: float, shorter: float) -> tuple[int, int]:
        """How many this person has handed in since a moment, and since a later one, over all courses."""
        ...

    def best(self, course: str, *, person_id: int | None = None, limit: int = 10_000) -> list[Best]:
        """What counts of each person for each lab, by login, where anything does: see `Standings`."""
        ...


class Jobs(Protocol):
    """Jobs and their events. What takes an `attempt` does nothing, and says so, unless that attempt owns the job."""

    def add(self, job: Job) -> None:
        """Add a job for a submission that is there already; its score counts at once."""
        ...

    def get(self, job_id: str) -> Job | None:
        """One of them."""
        ...

    def of_submission(self, submission_id: str) -> list[Job]:
        """Newest first, those of reruns that count for nothing (yet) among them: only graders may see these."""
        ...

    def shown(self, submission_ids: Sequence[str]) -> dict[str, Job]:
        """The job that everybody sees of each of these submissions: the newest outside of reruns if it is active or
        newer than the one that counts; else the one that counts."""
        ...

    def earned(self, job_ids: Sequence[str], tests: Sequence[str]) -> dict[str, int]:
        """The points that these jobs got for these tests together; without those that have no score."""
        ...

    def program(self, job: Job) -> int:
        """Which of this person's programs for the lab and spec this job runs: 1 for the first that was handed in.

        Programs that differ in comments and layout alone are one: they share a seed.
        """
        ...

    def offer(self, room: Mapping[str, int], now: float) -> list[tuple[str, str]]:
        """Offer waiting jobs in fair order until `room[queue]` are offered or running: their ids with their queues.

        Fair: lanes in order; within a lane everybody's first run of the past hour before anybody's second, oldest
        first. What was lost by our fault is no run of theirs.
        """
        ...

    def unoffer(self, job_id: str) -> None:
        """Take an offer back that could not be sent."""
        ...

    def expire(self, now: float, rules: JobRules) -> list[Lost]:
        """Bring jobs back whose lease ran out, and offers that nobody took up; ends those without attempts left."""
        ...

    def claim(self, job_id: str, worker: str, token_digest: str, now: float, rules: JobRules) -> Job | None:
        """Own a waiting job under the next attempt number; None if it is not waiting."""
        ...

    def holder(self, job_id: str, token_digest: str) -> Job | None:
        """The running job that this token opens; None for any other token, and once the attempt has ended."""
        ...

    def beat(self, job_id: str, attempt: int, now: float, rules: JobRules) -> Beat:
        """Renew the lease."""
        ...

    def tell(self, job_id: str, attempt: int, events: Sequence[tuple[str, Mapping[str, Any]]], now: float) -> bool:
        """Append events (kind, data)."""
        ...

    def finish(self, job_id: str, attempt: int, outcome: Outcome, now: float) -> bool:
        """The one final outcome. A score counts from then on, and standings follow, unless the job is of a rerun."""
        ...

    def give_back(
        self, job_id: str, attempt: int, fault: Fault, problem: str, now: float, rules: JobRules
    ) -> JobState | None:
        """This attempt could not be run: another one follows, or the job is dead. None if not owned."""
        ...

    def stopped(self, job_id: str, attempt: int, now: float) -> bool:
        """The worker has stopped as it was asked to: the job is cancelled."""
        ...

    def cancel(self, job_id: str, now: float) -> JobState | None:
        """End a waiting job, or ask the worker of a running one to stop; the state after that. None: no such job."""
        ...

    def events(self, job_id: str, *, after: int = 0, limit: int = 500) -> list[LiveEvent]:
        """In order, from behind number `after`."""
        ...

    def attempts(self, job_id: str) -> list[Attempt]:
        """In order."""
        ...

    def stages(self, job_id: str) -> dict[str, float]:
        """Where the time of a finished job's last attempt went: seconds by stage; empty where nobody knows."""
        ...

    def report(self, job_id: str) -> bytes | None:
        """The judge's report, as it was posted."""
        ...

    def line(self, queue: str, now: float, rules: JobRules) -> Line:
        """The waiting jobs of a queue: those that are offered already, then in the order in which they will be."""
        ...


class Store(Protocol):
    """All of it."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def courses(self) -> Courses: ...
    @property
    def submissions(self) -> Submissions: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def publications(self) -> Publications: ...
    @property
    def standings(self) -> Standings: ...
    @property
    def reruns(self) -> Reruns: ...
    @property
    def notices(self) -> Notices: ...
