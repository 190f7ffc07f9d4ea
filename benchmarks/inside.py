"""The application from inside: its own time for an answer, and how a database finds what was asked for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Connection, create_engine, event

from grader.adapters.git_repositories import GitRepositories
from grader.adapters.sql_store import SqlStore
from grader.dispatcher import Dispatcher
from grader.domain.people import CredentialKind
from grader.steps import access
from grader.steps.service import Service
from grader.web.app import make_app
from grader.web.git import GitServing
from grader.web.git_hooks import GitHooks
from grader.web.watching import Watchers
from tests.fakes import ListQueue


def application(service: Service, folder: Path) -> FastAPI:
    """The web application without anything beside it."""
    watchers, queue = Watchers(), ListQueue()
    repositories = GitRepositories(folder)
    hooks = GitHooks(service, repositories, watchers, "http://grader.test")

    @asynccontextmanager
    async def beside(app: FastAPI) -> AsyncIterator[None]:
        yield

    return make_app(service, queue, Dispatcher(service, queue), watchers, GitServing(repositories, hooks), "t", beside)


def token(service: Service, login: str) -> str:
    """A token of somebody's."""
    person = service.store.accounts.person(login)
    assert person is not None
    return access.issue(service, person, CredentialKind.TOKEN, "bench").secret


async def asked(app: FastAPI, address: str, secret: str) -> float:
    """Seconds from the request to the last byte; fails on any answer but 200."""
    path, _, query = address.partition("?")
    headers = [(b"host", b"grader.test"), (b"authorization", f"Bearer {secret}".encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("grader.test", 80),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    request = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        while not request:
            await asyncio.sleep(3600)
        return request.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    began = time.perf_counter()
    await app(scope, receive, send)
    took = time.perf_counter() - began
    assert sent[0]["status"] == 200, (address, sent[0]["status"], sent[1]["body"][:500])
    return took


def explained(store: SqlStore, work: Callable[[], object]) -> str:
    """The plan of every statement that `work` reads by."""
    engine = store._engine
    found: dict[str, Any] = {}

    def note(db: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT"):
            found.setdefault(statement, parameters)

    event.listen(engine, "before_cursor_execute", note)
    work()
    event.remove(engine, "before_cursor_execute", note)
    words = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF)"
    other = create_engine(engine.url)
    lines = []
    with other.connect() as db:
        for statement, parameters in found.items():
            rows = db.exec_driver_sql(f"{words} {statement}", parameters).all()
            lines += [f"    {' '.join(statement.split())[:400]}", *(f"        {row[-1]}" for row in rows)]
    other.dispose()
    return "\n".join(lines)
