"""A course of three labs whose students hand in and are graded by the store alone, for tests of what follows."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from grader.adapters.sql_store import SqlStore
from grader.domain.course import Course, Handin, Spec
from grader.domain.errors import Fault
from grader.domain.job import Job, JobRules, JobState, Lane, Outcome
from grader.domain.marks import TestMark
from grader.domain.people import Role
from grader.domain.rerun import Rerun, RerunState, Selection
from grader.domain.standings import Standing
from grader.domain.submission import Submission

NOW = 1_000_000.0
DAY = 86_400.0
RULES = JobRules(lease_s=10, offer_s=5, max_attempts=3, retry_s=2)
LABS = ("toy", "two", "three")
TESTS = {"test_a": 6, "test_b": 4}
OLD, NEW = "1" * 64, "2" * 64


def manifest(lab: str) -> str:
    """A lab of two tests, worth 6 and 4."""
    tests = "".join(
        f'[[tests]]\nname = "{name}"\npoints = {worth}\nclaim = "it works"\n' for name, worth in TESTS.items()
    )
    head = f'id = "{lab}"\ntitle = "{lab.title()}"\norder = {LABS.index(lab) + 1}\n'
    files = 'submission = ["starter.py"]\nmax_score = 10\n[functions]\nanswer = "() -> int"\n'
    return head + files + tests


def outcome(passed: Mapping[str, bool], *, cause: str = "wrong", costs: bool = True, undecided: str = "") -> Outcome:
    """A graded run in which these tests passed, or not for that cause."""
    per_test = tuple((name, worth if passed.get(name) else 0) for name, worth in TESTS.items())
    marks = tuple(
        TestMark(name, "passed", "", 0.25)
        if passed.get(name)
        else TestMark(name, "inconclusive" if name == undecided else "failed", cause, 1.5)
        for name in TESTS
    )
    points = sum(points for _, points in per_test)
    return Outcome(JobState.GRADED, b'{"tests": []}', points, 10, per_test, detail=marks, costs=costs)


def earning(points: int, **how: object) -> Outcome:
    """A run that earned 0, 4, 6 or 10."""
    return outcome({"test_a": points >= 6, "test_b": points in (4, 10)}, **how)  # type: ignore[arg-type]


class Class:
    """Amy, Bob and Cat in a course with the three labs, and a grader called Gus."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self._numbers = count(1)
        store.courses.put_course(Course("c", "Course"))
        for lab in LABS:
            store.courses.put_lab(
                "c", Spec(OLD if lab == "toy" else lab.rjust(64, "0"), f"labs/{lab}", manifest(lab), {})
            )
        self.ids = {login: self.join(login) for login in ("amy", "bob", "cat")}
        self.join("gus", Role.GRADER)

    def join(self, login: str, role: Role = Role.STUDENT, section: str = "", name: str = "") -> int:
        """Somebody in the course."""
        person = self.store.accounts.put_person(login, name or login.title())
        self.store.accounts.put_member("c", person.id, role, section)
        return person.id

    def new_spec(self) -> None:
        """Another spec of the lab toy, which is not what new submissions are graded by."""
        self.store.courses.put_lab("c", Spec(NEW, "labs/toy", manifest("toy"), {"mended": b""}))
        self.store.courses.put_lab("c", Spec(OLD, "labs/toy", manifest("toy"), {}))

    def hand_in(self, login: str = "amy", lab: str = "toy", at: float = NOW) -> Job:
        """Something new."""
        number = next(self._numbers)
        files = Submission({"starter.py": b"x = %d" % number})
        handin = Handin(f"s{number:03}", "c", lab, self.ids[login], 0, files.digest, "api", at)
        digest = next(one.spec_digest for one in self.store.courses.labs("c") if one.id == lab)
        job = Job(f"j{number:03}", handin.id, "c", lab, handin.person_id, digest, "cpu", Lane.INTERACTIVE, 1, 3, at)
        self.store.submissions.add(handin, files, job)
        return job

    def claim(self, job_id: str, at: float = NOW) -> Job:
        """A worker takes it."""
        claimed = self.store.jobs.claim(job_id, "w", "t" * 64, at, RULES)
        assert claimed is not None
        return claimed

    def finish(self, job_id: str, result: Outcome, at: float = NOW) -> None:
        """A worker takes it and is done."""
        assert self.store.jobs.finish(job_id, self.claim(job_id, at).attempt, result, at)

    def graded(self, points: int, login: str = "amy", lab: str = "toy", at: float = NOW, **how: object) -> Job:
        """Something new that earned so much."""
        job = self.hand_in(login, lab, at)
        self.finish(job.id, earning(points, **how), at)
        return job

    def failed(self, fault: Fault, login: str = "amy", at: float = NOW) -> Job:
        """Something new that got no score."""
        job = self.hand_in(login, at=at)
        self.finish(job.id, Outcome(JobState.FAILED, fault=fault, problem="it broke"), at)
        return job

    def cell(self, login: str = "amy", lab: str = "toy") -> Standing:
        """Where somebody stands."""
        row = self.store.standings.mine("c", self.ids[login])
        assert row is not None
        return row.cells[lab]

    def points(self, *logins: str) -> list[int | None]:
        """What counts for them in the lab toy."""
        return [self.cell(login).points for login in logins]

    def rerun(self, name: str = "r1", at: float = NOW + 100, **how: object) -> Rerun:
        """A rerun of what a selection finds; its jobs wait."""
        selection = how.pop("selection", Selection("toy"))
        assert isinstance(selection, Selection)
        chosen = self.store.reruns.select("c", selection)
        one = Rerun(name, "c", "toy", NEW, selection, False, "mended", "gus", at, RerunState.RUNNING)
        one = replace(one, **how)  # type: ignore[arg-type]
        jobs = [
            Job(f"{name}-{c.submission_id}", c.submission_id, "c", "toy", c.person_id, NEW, "cpu", Lane.BULK, 1, 3, at)
            for c in chosen
        ]
        self.store.reruns.begin(one, jobs)
        return one

    def ready(self, name: str = "r1", at: float = NOW + 100, **points: int) -> Rerun:
        """A rerun of what counts, in which these people got so many points, and nobody else is."""
        one = self.rerun(name, at)
        for item in self.store.reruns.items(name):
            self.finish(item.job_id, earning(points.get(item.login, 0)), at + 1)
        return one
