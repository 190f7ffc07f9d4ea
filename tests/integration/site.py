"""The web application over a real store, without workers or a network: what HTTP tests speak to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from grader.adapters.git_repositories import GitRepositories
from grader.adapters.sql_store import SqlStore
from grader.dispatcher import Dispatcher
from grader.domain.job import Job
from grader.domain.people import CredentialKind, Role, Viewer
from grader.steps import access, courses, intake, running
from grader.steps.service import Bounds
from grader.web.app import make_app
from grader.web.git import GitServing
from grader.web.git_hooks import GitHooks
from grader.web.watching import Watchers
from tests.fakes import TOY, ListQueue, ManualClock, enrolled, make_service

WORKER_TOKEN = "the workers' token"
#: What a worker that serves every queue says when it claims.
CLAIM = {"worker": "w", "queues": ["cpu", "gpu"]}
RIGHT = b"def double(x):\n    return 2 * x\n"


@cache
def _prepared() -> tuple[bytes, dict[str, Viewer], dict[str, str]]:
    """A database with the courses and people of every desk, made once: their viewers and tokens by login."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "grader.db"
        store = SqlStore(f"sqlite:///{file}")
        store.migrate()
        service = make_service(store, ManualClock())
        for course in ("toy", "other"):
            courses.init_course(service, course, course, str(TOY))
        roles = {"amy": Role.STUDENT, "bob": Role.STUDENT, "gina": Role.GRADER, "ines": Role.INSTRUCTOR}
        people = {login: enrolled(service, login, role) for login, role in roles.items()}
        people["otto"] = enrolled(service, "otto", Role.INSTRUCTOR, course="other")
        tokens = {
            login: access.issue(service, viewer.person, CredentialKind.TOKEN, "test").secret
            for login, viewer in people.items()
        }
        store.close()
        return file.read_bytes(), people, tokens


class Desk:
    """A course called toy with a student, another one, a grader and an instructor; and somebody in another course."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        database, self.people, self.tokens = _prepared()
        file = folder / "grader.db"
        file.write_bytes(database)
        self.clock = ManualClock()
        self.store = SqlStore(f"sqlite:///{file}")
        self.queue = ListQueue()
        self.watchers = Watchers()
        made = make_service(self.store, self.clock, bounds=bounds)
        self.service = replace(made, changed=self.watchers.changed)
        dispatcher = Dispatcher(self.service, self.queue)

        self.repositories = GitRepositories(folder / "repositories")
        hooks = GitHooks(self.service, self.repositories, self.watchers, "http://grader.test")

        @asynccontextmanager
        async def beside(app: FastAPI) -> AsyncIterator[None]:
            self.watchers.start()
            await hooks.start()
            yield
            await hooks.stop()

        serving = GitServing(self.repositories, hooks)
        self.app = make_app(self.service, self.queue, dispatcher, self.watchers, serving, WORKER_TOKEN, beside)

    def client(self, login: str = "", **headers: str) -> TestClient:
        """A program with somebody's token, or nobody's."""
        token = {"Authorization": f"Bearer {self.tokens[login]}"} if login else {}
        return TestClient(self.app, headers={**token, **headers}, raise_server_exceptions=False)

    def browser(self, login: str) -> TestClient:
        """Somebody's browser, logged in by a link as a person does it."""
        client = TestClient(self.app, raise_server_exceptions=False)
        secret = access.issue(self.service, self.people[login].person, CredentialKind.LINK, "test").secret
        answer = client.post("/login", data={"token": secret}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return client

    def worker(self) -> TestClient:
        """A worker."""
        return TestClient(self.app, headers={"Authorization": f"Bearer {WORKER_TOKEN}"}, raise_server_exceptions=False)

    def hand_in(self, login: str = "amy", data: bytes = RIGHT) -> intake.Receipt:
        """Hand in without HTTP."""
        return intake.submit(
            self.service, self.people[login], "toy", "toy-1", name="starter.py", data=data, source="test"
        )

    def claimed(self, login: str = "amy", data: bytes = RIGHT) -> tuple[Job, TestClient]:
        """A running job and a client with its token."""
        return self.claim(self.hand_in(login, data).job)

    def claim(self, job: Job) -> tuple[Job, TestClient]:
        """A waiting job that runs from now on, and a client with its token."""
        found = running.claim(self.service, job.id, "w1")
        assert found is not None
        client = TestClient(self.app, headers={"Authorization": f"Bearer {found.token}"}, raise_server_exceptions=False)
        return found.job, client


def upload(client: TestClient, data: bytes, name: str = "starter.py", **options: Any) -> Any:
    """Hand a file in over the API."""
    where = options.pop("where", "/api/v1/courses/toy/labs/toy-1/submissions")
    return client.post(where, files={"file": (name, data)}, **options)
