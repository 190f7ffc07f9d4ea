"""The web service and what runs beside it in one process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from grader.adapters.celery_queue import CeleryQueue
from grader.adapters.forge_settings import read_forges
from grader.adapters.forges import HttpStatuses
from grader.bootstrap.grading import in_our_words
from grader.bootstrap.service import FIRST_PERSON, build_repositories, build_service
from grader.dispatcher import Dispatcher
from grader.domain.errors import GraderError
from grader.domain.people import Role
from grader.domain.run import Assignment
from grader.domain.submission import Submission
from grader.garbage import seldom_look_for_garbage
from grader.publisher import Publisher
from grader.settings import Settings
from grader.steps import courses, handing_out, recovering, running
from grader.steps.publishing import Outlet
from grader.steps.service import Service
from grader.web.app import make_app
from grader.web.git import GitServing
from grader.web.git_hooks import GitHooks
from grader.web.watching import Watchers
from grader.web.webhooks import Webhooks
from worker import measuring
from worker.broker import TASK, celery_app
from worker.client import GraderClient
from worker.embedded import EmbeddedWorker
from worker.engine.engines import Engines
from worker.sandbox.kinds import choose
from worker.settings import worker_name
from worker.shift import Shift
from worker.warm import sizing
from worker.warm.pool import Warm

log = logging.getLogger(__name__)


class Site:
    """The web service and what runs beside it in one process: the dispatcher and, embedded, a worker."""

    def __init__(self, settings: Settings, *, with_worker: bool | None = None) -> None:
        self.settings = settings
        self._watchers = Watchers()
        self.service = build_service(settings, self._watchers, self._wake)
        celery = celery_app(settings.broker)
        queue = CeleryQueue(celery, TASK)
        self._dispatcher = Dispatcher(self.service, queue)
        repositories = build_repositories(settings)
        hooks = GitHooks(self.service, repositories, self._watchers, settings.public_url)
        self._git = GitServing(repositories, hooks)
        forges = read_forges(settings.forges_file) if settings.forges_file else {}
        self._publisher = Publisher(self.service, Outlet(forges, HttpStatuses(), repositories, settings.public_url))
        webhooks = Webhooks(forges, self._publisher.wake)
        self.app = make_app(
            self.service, queue, self._dispatcher, self._watchers, self._git, settings.token(), self._beside, webhooks
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
        if self.service.store.courses.courses():
            changed = [lab for course in self._courses_here() for lab in courses.sync_course(self.service, course)]
        else:
            changed = self._first_course()
        for course in self._courses_here():
            self._give_out(course)
        return changed

    def _courses_here(self) -> list[str]:
        """Those whose folder is on this machine."""
        known = self.service.store.courses.courses()
        return [course.id for course in known if course.folder and Path(course.folder).is_dir()]

    def _first_course(self) -> list[str]:
        folder = self.settings.course
        phases = sorted({lab.parents[2].name for lab in folder.glob("*/labs/*/lab.toml")})
        slug = phases[0] if len(phases) == 1 else "course"
        return courses.init_course(self.service, slug, slug.replace("-", " ").capitalize(), str(folder))

    def _give_out(self, course: str) -> None:
        """It is no error where that cannot be done: students have what was given out before, or none yet."""
        try:
            handing_out.give_out(self.service, self._git.repositories, course)
        except GraderError as error:
            log.warning("students of %s do not get its files as they are now: %s", course, error)

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
        with in_our_words():
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
