"""The one place that turns settings into real adapters, and the only one in `grader` that knows the worker."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from grader.adapters import logs
from grader.adapters.celery_queue import CeleryQueue
from grader.adapters.forge_settings import read_forges
from grader.adapters.forges import HttpStatuses
from grader.adapters.git_repositories import GitRepositories
from grader.adapters.lab_folder import CourseFolder
from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.news import News
from grader.adapters.submission_files import SubmissionFiles
from grader.dispatcher import Dispatcher
from grader.domain.errors import GraderError, GradingFailed, NoSandbox, Refused
from grader.domain.job import JobRules
from grader.domain.lab import Lab
from grader.domain.people import Role
from grader.domain.run import Assignment, OnEvent, RunResult
from grader.domain.submission import Submission, derive_seed
from grader.garbage import seldom_look_for_garbage
from grader.ports import LabFolder, LabShelf
from grader.publisher import Publisher
from grader.settings import Settings
from grader.steps import courses, recovering, running
from grader.steps.publishing import Outlet
from grader.steps.service import Service
from grader.web.app import make_app
from grader.web.git import GitServing
from grader.web.git_hooks import GitHooks
from grader.web.watching import Watchers
from grader.web.webhooks import Webhooks
from worker import canary, measuring, program, rehearsing, supervisor
from worker.broker import TASK, celery_app
from worker.client import GraderClient
from worker.embedded import EmbeddedWorker
from worker.engine.checkup import Finding
from worker.engine.engines import Engines
from worker.sandbox import Probe, Sandbox, SandboxError, reaper
from worker.sandbox.kinds import choose, docker_sandbox, probes
from worker.settings import BadSettings, worker_name
from worker.shift import Shift
from worker.verdictless import NoReport
from worker.warm import sizing
from worker.warm.pool import Warm

#: Who the first link is for, until a roster says otherwise.
FIRST_PERSON = "instructor"

log = logging.getLogger(__name__)


class SandboxRunner:
    """Runner and rehearsals over one sandbox of this machine."""

    def __init__(self, sandbox: Sandbox, engines: measuring.Measurer | None = None) -> None:
        self._sandbox = sandbox
        self._engines = engines

    @property
    def name(self) -> str:
        """The sandbox's name."""
        return self._sandbox.name

    def run(self, assignment: Assignment, on_event: OnEvent) -> RunResult:
        """See `Runner`."""
        result = supervisor.run(assignment, self._sandbox, on_event, measurer=self._engines)
        return canary.beside(assignment, result, self._sandbox, measurer=self._engines)

    def rehearse(self, folder: LabFolder, files: Mapping[str, bytes], seeds: list[int], on_event: OnEvent) -> Any:
        """The course's own answers over `seeds`: the `rehearsed` event. Raises GradingFailed, NoSandbox."""
        with _told():
            return rehearsing.rehearse(folder.path, folder.lab.spec, files, seeds, self._sandbox, on_event)

    def calibrate(
        self, folder: LabFolder, files: Mapping[str, bytes], seeds: list[int], runs: int, on_event: OnEvent
    ) -> list[dict[str, Any]]:
        """Measure a lab: the `calibrated` events. Raises GradingFailed, NoSandbox."""
        with _told():
            return rehearsing.calibrate(folder.path, folder.lab.spec, files, seeds, runs, self._sandbox, on_event)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the worker says of a run without a result, or of what it lacks, into an error of ours."""
    try:
        yield
    except NoReport as missing:
        raise GradingFailed(missing.fault, missing.problem) from None
    except SandboxError as error:
        raise NoSandbox(str(error), error.fix) from None
    except BadSettings as error:
        raise Refused(str(error), "The settings are listed in README.md.") from None


class App:
    """Everything a command needs, built once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf: LabShelf = CourseFolder(settings.course)

    def submission(self, lab: Lab, path: str) -> Submission:
        """What is at `path`, checked for `lab`. Raises UnreadableSubmission."""
        return SubmissionFiles(lab).read(path)

    def seed(self, submission: Submission, folder: LabFolder) -> int:
        """The seed this server gives this submission under this spec."""
        return derive_seed(self.settings.secret(), submission, folder.spec_digest())

    def runner(self, sandbox: str | None = None) -> SandboxRunner:
        """A runner over the sandbox chosen. Raises NoSandbox, which says what to do."""
        with _told():
            chosen = choose(sandbox or self.settings.sandbox, self.settings.docker_runtime)
            return SandboxRunner(chosen, measuring.engines(self.settings.home))  # loads nothing before a spec asks

    def probes(self) -> list[Probe]:
        """What each sandbox says of this machine."""
        return probes(self.settings.docker_runtime)

    def engine(self) -> list[Finding]:
        """What this machine has of what its engine needs; empty where it is to have none. Raises Refused."""
        with _told():
            return list(measuring.lacking(self.settings.home))

    def sweep(self) -> list[str]:
        """Remove what killed workers left on this machine; what that was."""
        return reaper.sweep()

    def build_image(self) -> None:
        """Build the Docker sandbox's image. Raises NoSandbox."""
        with _told():
            docker_sandbox(self.settings.docker_runtime).build_image()


def build_service(settings: Settings, watchers: Watchers | None = None, woken: Any = None) -> Service:
    """The grader's steps over the database of `settings`, brought up to date first. Raises StoreDown."""
    store = SqlStore(settings.database_url)
    if settings.database is None:
        settings.home.mkdir(parents=True, exist_ok=True)
    store.migrate()
    for course in store.standings.stale():
        store.standings.rebuild(course)
    rules = JobRules(lease_s=settings.lease_s, offer_s=settings.offer_s, max_attempts=settings.max_attempts)
    hooks: dict[str, Any] = {} if watchers is None else {"changed": _everywhere(watchers, store.news), "woken": woken}
    return Service(
        store=store,
        clock=time.time,
        key=settings.secret(),
        snapshots=SubmissionFiles,
        shelf=lambda folder: CourseFolder(Path(folder)),
        rules=rules,
        **hooks,
    )


def _everywhere(watchers: Watchers, news: News) -> Callable[[str], None]:
    """Tell of a job here, and in the other processes of this service."""

    def changed(job_id: str) -> None:
        watchers.changed(job_id)
        news.tell(job_id)

    news.listen(watchers.changed)
    return changed


class Site:
    """The web service and what runs beside it in one process: the dispatcher and, embedded, a worker."""

    def __init__(self, settings: Settings, *, with_worker: bool | None = None) -> None:
        self.settings = settings
        self._watchers = Watchers()
        self.service = build_service(settings, self._watchers, self._wake)
        celery = celery_app(settings.broker)
        queue = CeleryQueue(celery, TASK)
        self._dispatcher = Dispatcher(self.service, queue)
        repositories = GitRepositories(settings.home.resolve() / "repositories")
        hooks = GitHooks(self.service, repositories, self._watchers, settings.public_url)
        self._git = GitServing(repositories, hooks)
        forges = read_forges(settings.forges_file) if settings.forges_file else {}
        self._publisher = Publisher(self.service, Outlet(forges, HttpStatuses(), repositories, settings.public_url))
        told = Webhooks(forges, self._publisher.wake)
        self.app = make_app(
            self.service, queue, self._dispatcher, self._watchers, self._git, settings.token(), self._beside, told
        )
        wanted = settings.embedded if with_worker is None else with_worker
        self._client = GraderClient(settings.own_url, settings.token()) if wanted else None
        self._queues = [name.strip() for name in settings.queues.split(",")]
        self._warm: Warm | None = None
        self._engines: Engines | None = None
        self._worker = self._embedded(celery, self._client) if self._client else None

    def open_course(self) -> list[str]:
        """Bring the labs of every course up to date; on an empty database make one of the course folder.

        Returns what changed: ids of labs, and course.toml. Raises BadLab.
        """
        if not self.service.store.courses.courses():
            folder = self.settings.course
            phases = sorted({lab.parents[2].name for lab in folder.glob("*/labs/*/lab.toml")})
            slug = phases[0] if len(phases) == 1 else "course"
            return courses.init_course(self.service, slug, slug.replace("-", " ").capitalize(), str(folder))
        known = [course for course in self.service.store.courses.courses() if Path(course.folder).is_dir()]
        return [lab for course in known if course.folder for lab in courses.sync_course(self.service, course.id)]

    def first_link(self) -> str | None:
        """A one-time link for an instructor of every course; None if there is an instructor already."""
        if self.service.store.accounts.has_anyone():
            return None
        row = courses.Enrolment(FIRST_PERSON, "Instructor", "", Role.INSTRUCTOR)
        secrets = [courses.enrol(self.service, c.id, [row])[0][1] for c in self.service.store.courses.courses()]
        return self.login_url(next(filter(None, secrets), None) or courses.login_link(self.service, FIRST_PERSON))

    def login_url(self, secret: str) -> str:
        """The address a person opens to log in with a one-time link's secret."""
        return f"{self.settings.public_url}/login?token={secret}"

    def start_worker(self) -> None:
        """Start the embedded worker, if there is one; the web server must answer by the time jobs come."""
        if self._worker is not None:
            self._worker.start()

    def warm_up(self) -> None:
        """Let the embedded worker, if there is one, make itself ready for the open labs, in the background."""
        if self._warm is not None:
            prepare_open_labs(self.service, self._warm, self._queues)

    def drain(self, timeout: float) -> None:
        """Let what the embedded worker runs end, while the web server still answers; then end what pages follow."""
        if self._worker is not None and self._client is not None:
            self._worker.stop(timeout)
            self._client.close()
        if self._warm is not None:
            self._warm.close()
        if self._engines is not None:
            self._engines.close()
        self._watchers.close()

    def _embedded(self, celery: Any, client: GraderClient) -> EmbeddedWorker:
        settings = self.settings
        with _told():
            self._engines = measuring.engines(settings.home)
            self._warm = Warm(choose(settings.sandbox, settings.docker_runtime), settings.slots)
        shift = Shift(client, self._warm, worker_name(), self._queues, settings.slots, measurer=self._engines)
        return EmbeddedWorker(celery, shift, settings.slots, self._queues)

    def _wake(self) -> None:
        self._dispatcher.wake()
        self._publisher.wake()

    @asynccontextmanager
    async def _beside(self, app: FastAPI) -> AsyncIterator[None]:
        seldom_look_for_garbage()
        self._watchers.start()
        self._dispatcher.start()
        self._publisher.start()
        await self._git.hooks.start()
        # pushes that a killed process never wrote down
        looking = asyncio.create_task(run_in_threadpool(recovering.recover, self.service, self._git.repositories))
        try:
            yield
        finally:
            await looking
            await self._git.hooks.stop()
            self._publisher.stop()
            self._dispatcher.stop()


def prepare_open_labs(service: Service, warm: Warm, queues: Sequence[str]) -> None:
    """Have judges and guests wait for the labs that these queues serve, as many labs as are kept warm at once.

    It is no error where that cannot be done: jobs start what they need.
    """
    try:
        for spec in running.expected(service, queues)[: sizing.MOST_LABS]:
            warm.prepare(Assignment(spec.lab, spec.bundle, spec.lab_path, Submission({}), seed=0))
    except GraderError as error:
        log.warning("nothing is prepared ahead of the first jobs: %s", error.message)


def run_worker(queues: Sequence[str] | None, slots: int | None) -> int:
    """Be a worker until told to stop; the exit code. Raises SystemExit, with what to change, where it cannot grade."""
    return program.main(queues, slots)


def configure_logs(level: str = "INFO") -> None:
    """Log to standard error, as JSON where nobody watches."""
    logs.configure(level)
