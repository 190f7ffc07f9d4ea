"""The service's steps and a real sandbox on one bench: what is handed in is graded here, without a network between."""

from dataclasses import replace
from pathlib import Path

from grader.adapters.sql_store import SqlStore
from grader.domain.job import Job, JobRules, JobState
from grader.domain.people import Role, Viewer
from grader.domain.run import Assignment, RunResult
from grader.steps import courses, intake, running, viewing
from grader.steps.viewing import View
from tests.fakes import ManualClock, enrolled, make_service
from worker import canary, supervisor
from worker.sandbox import Sandbox

COURSE = "course"


class Workbench:
    """A course of the labs in `labs` with one student and one grader. `runs` are what came of each attempt."""

    def __init__(self, folder: Path, labs: Path, sandbox: Sandbox, rules: JobRules | None = None) -> None:
        self.store = SqlStore(f"sqlite:///{folder / 'grader.db'}")
        self.store.migrate()
        self.clock = ManualClock()
        self.service = replace(make_service(self.store, self.clock), rules=rules or JobRules())
        courses.init_course(self.service, COURSE, "Course", str(labs))
        self.student: Viewer = enrolled(self.service, "amy", course=COURSE)
        self.grader: Viewer = enrolled(self.service, "gina", Role.GRADER, course=COURSE)
        self.runs: list[RunResult] = []
        self._sandbox = sandbox

    def hand_in(self, lab: str, data: bytes) -> Job:
        """Hand in what is not graded yet, a second after what was before it."""
        self.clock.passes(1)
        receipt = intake.submit(self.service, self.student, COURSE, lab, name="starter.py", data=data, source="test")
        assert not receipt.duplicate
        return receipt.job

    def attempt(self, job: Job) -> JobState:
        """Claim it, run it as a worker does, and judge what came of it: the state after that."""
        found = running.claim(self.service, job.id, "w1")
        assert found is not None
        work = Assignment(found.spec.lab, found.spec.bundle, found.spec.lab_path, found.files, found.job.seed)
        self.runs.append(canary.beside(work, supervisor.run(work, self._sandbox, lambda event: None), self._sandbox))
        state = running.accept(self.service, found.job, self.runs[-1])
        assert state is not None
        return state

    def graded(self, lab: str, data: bytes) -> View:
        """Hand in and grade."""
        job = self.hand_in(lab, data)
        assert self.attempt(job) is JobState.GRADED
        return self.view(job)

    def view(self, job: Job) -> View:
        """What the student sees."""
        return viewing.view(self.service, self.student, job.submission_id)
