"""From a push to accepted submissions: one per lab whose files changed, kept before a line of answer is written.

What counts is the content of a lab's submission files, not the commit: a rebase, a merge or a new README hands nothing
in. Neither does the starter as it was given, or a file that was pushed before and has a newer upload since.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.domain.course import CourseLab
from grader.domain.errors import GraderError, Refused
from grader.domain.job import JobState
from grader.domain.people import Role, Viewer
from grader.domain.submission import Submission, check_files
from grader.ports.repositories import Repositories
from grader.steps import access, intake
from grader.steps.courses import find_lab
from grader.steps.intake import Receipt
from grader.steps.service import Service
from grader.steps.trees import files_in
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

log = logging.getLogger(__name__)


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
    """One push of `viewer` to their own repository. `updates` are (old commit, new commit, ref)."""

    viewer: Viewer
    course: str
    updates: tuple[tuple[str, str, str], ...] = ()
    options: Options = field(default_factory=Options)

    @property
    def login(self) -> str:
        """Whose repository it is."""
        return self.viewer.person.login

    @property
    def commit(self) -> str:
        """The new tip of main."""
        return self.updates[0][1]


@dataclass(frozen=True)
class Seen:
    """The labs that a commit has answers for: all of them, and those that differ from what was handed in last."""

    present: tuple[CourseLab, ...]
    changed: tuple[tuple[CourseLab, Submission], ...]


def check(service: Service, repositories: Repositories, push: Push, quarantine: Mapping[str, str]) -> Seen:
    """Whether a push is accepted, before git keeps any of it. Raises Refused, UnreadableSubmission, TooOften."""
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
    return seen


def accept(service: Service, repositories: Repositories, push: Push) -> list[Receipt]:
    """The submissions of an accepted push; for a lab that was asked for by name, also an unchanged one.

    Safe to call twice. The commit is pinned, so that a later force-push cannot take it away.
    """
    seen = look(service, repositories, push)
    again = _failed(service, push, seen) if push.options.rerun else []
    receipts = []
    for lab, files in (*seen.changed, *again):
        receipt = intake.submit_files(service, push.viewer, lab, files, SOURCE, promised=True)
        _pin(repositories, push, lab, receipt.handin.id)
        receipts.append(receipt)
    repositories.pin(push.course, push.login, push.commit, TAKEN)
    return receipts


def _failed(service: Service, push: Push, seen: Seen) -> list[tuple[CourseLab, Submission]]:
    """Unchanged labs whose newest submission got no score: asked for again, they are graded again.

    Graded ones are not: the same files under the same spec get the same verdict.
    """
    new = {lab.id for lab, _ in seen.changed}
    found = []
    for lab in seen.present:
        newest = service.store.submissions.latest(push.course, lab.id, push.viewer.person.id)
        if newest is None or lab.id in new:
            continue
        job = service.store.jobs.of_submission(newest.id)[0]
        files = service.store.submissions.files(newest.digest)
        outdated = job.state is JobState.GRADED and job.spec_digest != lab.spec_digest
        if files is not None and job.state.final and (outdated or job.state is not JobState.GRADED):
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
    """The labs in the push's commit. Raises UnreadableSubmission for a changed one that cannot be graded."""
    labs = service.store.courses.labs(push.course)
    if push.options.lab:
        labs = [find_lab(service, push.course, push.options.lab)]
    present, changed = [], []
    for lab in labs:
        files = files_in(service, repositories, lab, push.login, push.commit, quarantine)
        if files is None:
            continue
        present.append(lab)
        if _is_new(service, repositories, push, lab, files):
            check_files(files.files, the_spec(service, lab.spec_digest).lab)
            changed.append((lab, files))
    return Seen(tuple(present), tuple(changed))


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
    """Hand in what the tip of one repository holds and no submission does."""
    person = service.store.accounts.person(login)
    tip = repositories.tip(course, login)
    known = (repositories.first(course, login), repositories.pinned(course, login, TAKEN))
    if person is None or tip is None or tip in known:
        return []
    viewer = access.viewer(service, person)
    if course not in viewer.roles:
        return []
    push = Push(viewer, course, ((NOTHING, tip, MAIN),))
    _pin_written(service, repositories, push)
    return accept(service, repositories, push)


def _pin_written(service: Service, repositories: Repositories, push: Push) -> None:
    """Pin the commit of submissions that were written down in the last moment of a process."""
    seen = look(service, repositories, push)
    changed = {lab.id for lab, _ in seen.changed}
    for lab in (lab for lab in seen.present if lab.id not in changed):
        newest = service.store.submissions.latest(push.course, lab.id, push.viewer.person.id)
        if newest is None or newest.source != SOURCE or repositories.pinned(push.course, push.login, newest.id):
            continue
        _pin(repositories, push, lab, newest.id)


def _pin(repositories: Repositories, push: Push, lab: CourseLab, submission_id: str) -> None:
    """Keep the commit for its submission, and as the one that the lab was last handed in from."""
    for name in (submission_id, _taken(lab)):
        repositories.pin(push.course, push.login, push.commit, name)


def _is_new(service: Service, repositories: Repositories, push: Push, lab: CourseLab, files: Submission) -> bool:
    """Whether a push changes this lab: neither what was handed in last, by whatever way, nor what was pushed before."""
    newest = service.store.submissions.latest(push.course, lab.id, push.viewer.person.id)
    if newest is not None and newest.digest == files.digest:
        return False
    before = repositories.pinned(push.course, push.login, _taken(lab)) or repositories.first(push.course, push.login)
    pushed = files_in(service, repositories, lab, push.login, before) if before else None
    return pushed is None or pushed.digest != files.digest


def _taken(lab: CourseLab) -> str:
    """What the commit is pinned as that a lab was last handed in from."""
    return f"{TAKEN}_{lab.id.replace('-', '_')}"
