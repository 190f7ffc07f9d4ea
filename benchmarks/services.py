"""Services under measurement: `grader serve` with its own worker, or with Redis, PostgreSQL and a `grader worker`."""

import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from benchmarks.course import KEY, Answer, Lab, MeasuredCourse
from grader.client.remote import Remote
from tests.git_client import Clone
from tests.programs import Grader, Program, worker
from tests.services import PostgresServer, RedisServer

#: What a service that does not start, or does not answer, ends with: the programs are those of the tests.
ServiceFailed = pytest.fail.Exception
#: A person may hand in ten times a minute and 120 times an hour: they take turns, those who push among themselves.
STUDENTS = 16
PUSHERS = 6
#: What is added to a sandbox's name where the service has a broker, a database and a worker of their own.
DISTRIBUTED = ", distributed"
IGNORED = "__pycache__/\n.results/\n.pytest_cache/\n"


@dataclass(frozen=True)
class Graded:
    """What one submission took, in seconds: until its final score was there; of that, until a worker had it, and then
    until its score was in the database. `stages` are the service's own account of where the time went.
    """

    total: float
    queued: float
    ran: float
    stages: dict[str, float]


@dataclass(frozen=True)
class Pushed:
    """Seconds from `git push` to the last verdict, to the last line, and from the final score to that line."""

    verdict: float
    line: float
    gap: float


class Measured:
    """One service, its students, and their clones."""

    def __init__(self, name: str, course: MeasuredCourse, folder: Path, slots: int | None = None) -> None:
        """`name` is a sandbox's: bubblewrap, docker, docker+runsc; with DISTRIBUTED added another set-up."""
        self.name = name
        self.course = course
        folder.mkdir(parents=True)
        self._folder = folder
        self._ended = ExitStack()
        self._worker: Program | None = None
        sandbox, _, runtime = name.removesuffix(DISTRIBUTED).partition("+")
        settings = {
            "GRADER_SANDBOX": sandbox,
            "GRADER_MAX_ATTEMPTS": "1",
            **({"GRADER_DOCKER_RUNTIME": runtime} if runtime else {}),
        }
        if slots:
            settings["GRADER_SLOTS"] = str(slots)
        beside = self._beside() if name.endswith(DISTRIBUTED) else {}
        self.grader = Grader(folder, {"GRADER_LABS": str(course.folder), "GRADER_KEY": KEY, **settings, **beside})
        self._settings = {**settings, **({"GRADER_BROKER": beside["GRADER_BROKER"]} if beside else {})}
        self._remotes: list[Remote] = []
        self._turn = count()
        self._clones: list[Clone] = []

    def start(self, students: int = STUDENTS) -> None:
        """Start everything; return when a first submission could be taken."""
        self.grader.start()
        self._ended.callback(_stopped, self.grader)
        if self.name.endswith(DISTRIBUTED):
            self._worker = worker("worker", self.grader, **self._settings)
            self._worker.start()
            self._ended.callback(_stopped, self._worker)
        self.tokens = self.grader.enrol(self.course.id, [f"student-{number}" for number in range(students)])
        self._remotes = [Remote(self.grader.url, token) for token in self.tokens.values()]
        self._staff = Remote(self.grader.url, self.grader.token(self.grader.command("course", "link", "instructor")))
        for remote in (*self._remotes, self._staff):
            self._ended.enter_context(remote)

    def stop(self) -> None:
        """End it all."""
        self._ended.close()

    @property
    def programs(self) -> list[int]:
        """The process ids of our programs."""
        return [self.grader.pids[-1], *([self._worker.pids[-1]] if self._worker else [])]

    @property
    def remotes(self) -> list[Remote]:
        """The students' connections."""
        return self._remotes

    def clone(self, student: int) -> Clone:
        """A working copy of a student's repository."""
        login, token = list(self.tokens.items())[student]
        url = f"{self.grader.url}/git/{self.course.id}/{login}.git"
        clone = Clone(self._folder / f"clone-{student}", url, token).cloned()
        (clone.folder / ".git" / "info" / "exclude").write_text(IGNORED, encoding="ascii")
        return clone

    def graded(self, lab: Lab, answer: Answer) -> Graded:
        """Hand in over the API and wait for the final score."""
        others = self._remotes[PUSHERS:]
        remote = others[next(self._turn) % len(others)]
        began = time.perf_counter()
        receipt = remote.submit(self.course.id, lab.id, Path(lab.file).name, answer.data, lost=lambda: None)
        last: dict[str, Any] = {}
        for told in remote.follow(receipt["id"]):
            last = dict(told.data)
        took = time.perf_counter() - began
        self._must_be_right(lab, last)
        known = self._staff.submission(receipt["id"])  # stages are told to graders alone
        job, stages = known["job"], {name: float(value) for name, value in known.get("stages", {}).items()}
        started = job["started_at"]
        return Graded(took, started - job["created_at"], job["finished_at"] - started, stages)

    def pushed(self, lab: Lab, answer: Answer) -> Pushed:
        """Push and wait for the last line."""
        if not self._clones:
            self._clones = [self.clone(student) for student in range(PUSHERS)]
        clone = self._clones.pop(0)
        self._clones.append(clone)
        clone.commit({lab.file: answer.data})
        apart = time.time() - time.monotonic()
        began = time.monotonic()
        told = clone.push("origin", "HEAD:main")
        verdicts = [at for at, line in told.lines if line.endswith("s") and line[:1] in "✓✗!?–"]
        if len(verdicts) != lab.tests:
            raise RuntimeError(f"the push told of {len(verdicts)} tests: {told.all}")
        login = clone.folder.name.removeprefix("clone-")
        remote = self._remotes[int(login)]
        job = remote.submissions(self.course.id, lab=lab.id, limit=1)[0]["job"]
        self._must_be_right(lab, job)
        last = told.lines[-1][0]
        return Pushed(verdicts[-1] - began, last - began, last + apart - job["finished_at"])

    def _must_be_right(self, lab: Lab, told: dict[str, Any]) -> None:
        if told.get("points") != lab.most:
            problem = str(told.get("problem", ""))[-400:]
            raise RuntimeError(f"{told.get('points')} of {lab.most} points for a right answer; {problem}")

    def _beside(self) -> dict[str, str]:
        """A broker and a database of its own."""
        redis_place, postgres_place = self._folder / "redis", self._folder / "postgres"
        for place in (self._folder.parent, self._folder, postgres_place):
            place.mkdir(exist_ok=True)
            place.chmod(0o755)  # PostgreSQL runs as a user of its own
        redis_place.mkdir()
        redis, postgres = RedisServer(redis_place), PostgresServer(postgres_place)
        for server in (redis, postgres):
            server.start()
            self._ended.callback(server.stop)
        return {"GRADER_BROKER": redis.url, "GRADER_DATABASE": postgres.url(postgres.fresh())}


def _stopped(program: Program) -> None:
    """One that does not end in time dies with this process."""
    with suppress(subprocess.TimeoutExpired):
        program.stop()
