"""From a push to accepted submissions: one per lab whose files changed, kept before a line of answer is written.

What counts is the content of a lab's submission files, not the commit: a rebase, a merge or a new README hands nothing
in. Neither does the starter as it was given, or a file that was pushed before and has a newer upload since.

A push that changes an open and a closed lab is accepted for the open one. Its commit is kept, so what it brought for
the closed one is told once, and comes in with a later push if the lab opens again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.domain.course import CourseLab
from grader.domain.errors import GraderError, Refused
from grader.domain.job import JobState
from grader.domain.people import Role, Viewer
from grader.domain.submission import Submission, check_files
from grader.ports.repositories import Commits, Repositories
from grader.steps import access, intake, rules
from grader.steps.courses import find_lab
from grader.steps.intake import Receipt
from grader.steps.service import Service
from grader.steps.trees import files_in, is_starter
from grader.steps.viewing import the_spec

MAIN = "refs/heads/main"
SOURCE = "git"
NOTHING = "0" * 40
#: What the newest commit that was taken in is pinned as: a tip that is another one was never written down.
TAKEN = "taken"
OPTIONS = "there are -o lab=LAB, -o no-wait and -o rerun"
MOST_OPTIONS = 20
#: What one person's repository may hold: every push stays in it.
MAX_REPOSITORY_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Options:
    """What `git push -o` may ask for: everything else is refused."""

    lab: str = ""
    wait: bool = True
    rerun: bool = False

    @classmethod
    def read(cls, words: Sequence[str]) -> "Options":
        """From the push's options, which are anybody's text. Raises Refused."""
        found = cls()
        if len(words) > MOST_OPTIONS:
            raise Refused("those are too many push options", OPTIONS)
        for word in words:
            name, _, value = word.partition("=")
            if name == "lab" and value:
                found = cls(value, found.wait, found.rerun)
            elif word == "no-wait":
                found = cls(found.lab, False, found.rerun)
            elif word == "rerun":
                found = cls(found.lab, found.wait, True)
            else:
                raise Refused("that push option is not known", OPTIONS)
        return found


@dataclass(frozen=True)
class Push:
    """One push of `viewer` to their own repository. `updates` are (old commit, new commit, ref).

    `at` is when all of it had arrived, which is what deadlines are held against; None where nobody knows any more.
    """

    viewer: Viewer
    course: str
    updates: tuple[tuple[str, str, str], ...] = ()
    options: Options = field(default_factory=Options)
    at: float | None = None

    @property
    def login(self) -> str:
        """Whose repository it is."""
        return self.viewer.person.login

    @property
    def commit(self) -> str:
        """The new tip of main."""
        return self.updates[0][1]

    @property
    def before(self) -> str:
        """The old one; empty where there was none."""
        return self.updates[0][0].strip("0") and self.updates[0][0]


@dataclass(frozen=True)
class Seen:
    """The labs that a commit has answers for: all of them, and those that differ from what was handed in last.

    `refused` are those that this push changes and the course's rules do not take now, with the reason.
    """

    present: tuple[CourseLab, ...]
    changed: tuple[tuple[CourseLab, Submission], ...]
    refused: tuple[tuple[CourseLab, GraderError], ...] = ()


@dataclass(frozen=True)
class Accepted:
    """What became of a push: its submissions, and the labs it changed in vain."""

    receipts: list[Receipt]
    refused: tuple[tuple[CourseLab, GraderError], ...] = ()


def check(service: Service, repositories: Repositories, push: Push, quarantine: Mapping[str, str]) -> Seen:
    """Whether a push is accepted, before git keeps any of it. Raises Refused, UnreadableSubmission, TooOften.

    Refused is also one that changes nothing but labs which are not open.
    """
    access.require(push.viewer, push.course, Role.STUDENT)
    if len(push.updates) != 1 or push.updates[0][2] != MAIN:
        raise Refused("only the branch main is graded", "git push origin HEAD:main")
    if not push.commit.strip("0"):
        raise Refused("the branch main cannot be deleted", "push a commit to it instead")
    if repositories.size(push.course, push.login) > MAX_REPOSITORY_BYTES:
        full = f"your repository is full: it holds more than {MAX_REPOSITORY_BYTES // 1024**2} MB"
        raise Refused(full, "ask your instructor; the upload form still takes your work")
    labs = service.store.courses.labs(push.course)
    if not labs:
        raise Refused("this course has no labs yet", "ask your instructor when they open")
    seen = look(service, repositories, push, quarantine)
    if not seen.present:
        wanted = the_spec(service, labs[0].spec_digest)
        raise Refused(
            "there is nothing to grade in this commit",
            f"keep the course's folders: for example {wanted.lab_path}/{wanted.lab.submission[0]}",
        )
    if seen.changed:
        intake.check_rate(service, push.viewer, len(seen.changed))
    elif seen.refused:
        raise _all_refused(seen)
    return seen


def _all_refused(seen: Seen) -> GraderError:
    if len(seen.refused) == 1:
        return seen.refused[0][1]
    return Refused("\n".join(error.message for _, error in seen.refused), "ask your instructor if you need more time")


def accept(service: Service, repositories: Repositories, push: Push) -> Accepted:
    """The submissions of an accepted push; for a lab that was asked for by name, also an unchanged one.

    Safe to call twice. The commit is pinned, so that a later force-push cannot take it away.
    """
    seen = look(service, repositories, push)
    again = _failed(service, push, seen) if push.options.rerun else []
    receipts = []
    for lab, files in (*seen.changed, *again):
        receipt = intake.submit_files(service, push.viewer, lab, files, SOURCE, promised=True, at=push.at)
        pin(repositories, push, lab, receipt.handin.id)
        receipts.append(receipt)
    repositories.pin(push.course, push.login, push.commit, TAKEN)
    return Accepted(receipts, seen.refused)


def _failed(service: Service, push: Push, seen: Seen) -> list[tuple[CourseLab, Submission]]:
    """Unchanged labs whose newest submission got no score: asked for again, they are graded again while they are open.

    Graded ones are not: the same files under the same spec get the same verdict.
    """
    new = {lab.id for lab, _ in seen.changed}
    found = []
    for lab in seen.present:
        newest = service.store.submissions.latest(push.course, lab.id, push.viewer.person.id)
        if newest is None or lab.id in new:
            continue
        job = service.store.jobs.shown([newest.id])[newest.id]
        files = service.store.submissions.files(newest.digest)
        outdated = job.state is JobState.GRADED and job.spec_digest != lab.spec_digest
        if files is None or not job.state.final or (job.state is JobState.GRADED and not outdated):
            continue
        if _refusal(service, push, lab) is None:
            found.append((lab, files))
    return found


def unchanged(service: Service, push: Push, receipts: Sequence[Receipt]) -> list[Receipt]:
    """What to show where a push changed nothing but asks for an answer: the newest submission it speaks of."""
    if receipts or not (push.options.lab or push.options.rerun):
        return []
    chosen = find_lab(service, push.course, push.options.lab).id if push.options.lab else None
    rows = service.store.submissions.page(push.course, person_id=push.viewer.person.id, lab=chosen, limit=1)
    return [Receipt(row.handin, row.job, duplicate=True) for row in rows]


def look(service: Service, repositories: Repositories, push: Push, quarantine: Mapping[str, str] | None = None) -> Seen:
    """The labs in the push's commit. Raises UnreadableSubmission for a changed and open one that cannot be graded."""
    labs = service.store.courses.labs(push.course)
    if push.options.lab:
        labs = [find_lab(service, push.course, push.options.lab)]
    present, changed, refused = [], [], []
    with repositories.reading(push.course, push.login, quarantine) as commits:
        for lab in labs:
            files = files_in(service, commits, lab, push.commit)
            if files is None:
                continue
            present.append(lab)
            if not _is_new(service, commits, push, lab, files):
                continue
            if (error := _refusal(service, push, lab)) is None:
                check_files(files.files, the_spec(service, lab.spec_digest).lab)
                changed.append((lab, files))
            elif not _was_there(service, commits, push, lab, files):
                refused.append((lab, error))
    return Seen(tuple(present), tuple(changed), tuple(refused))


def _refusal(service: Service, push: Push, lab: CourseLab) -> GraderError | None:
    """Why the course's rules do not take this lab. A push of which nobody knows when it came was let in once."""
    return None if push.at is None else rules.refusal(service, push.viewer, lab, push.at)


def _was_there(service: Service, commits: Commits, push: Push, lab: CourseLab, files: Submission) -> bool:
    """Whether main held these very files before the push: they were told of then."""
    before = files_in(service, commits, lab, push.before) if push.before else None
    return before is not None and before.digest == files.digest


def pin(repositories: Repositories, push: Push, lab: CourseLab, submission_id: str) -> None:
    """Keep the commit for its submission, and as the one that the lab was last handed in from."""
    repositories.pin(push.course, push.login, push.commit, submission_id, _taken(lab))


def _is_new(service: Service, commits: Commits, push: Push, lab: CourseLab, files: Submission) -> bool:
    """Whether a push changes this lab: neither what was handed in last, by whatever way, nor what was pushed before."""
    newest = service.store.submissions.latest(push.course, lab.id, push.viewer.person.id)
    if newest is not None and newest.digest == files.digest:
        return False
    before = commits.pinned(_taken(lab))
    if before is None:
        return not is_starter(service, commits, lab, files)
    pushed = files_in(service, commits, lab, before)
    return pushed is None or pushed.digest != files.digest


def _taken(lab: CourseLab) -> str:
    """What the commit is pinned as that a lab was last handed in from."""
    return f"{TAKEN}_{lab.id.replace('-', '_')}"
