"""Serves students' repositories to git over HTTP: a bridge to `git http-backend`, which streams both ways.

A push that has begun is ended by us alone: a pusher who goes away loses the answer, not the submission.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect

from grader.domain.errors import GraderError, NotAllowed, NotFound, UnreadableSubmission
from grader.domain.people import Role, Viewer
from grader.ports.repositories import Repositories
from grader.steps import access, handing_out, recovering
from grader.steps.courses import LOGIN
from grader.steps.service import Service
from grader.web.access import TheService, git_client
from grader.web.git_hooks import GitHooks

READ, WRITE = "git-upload-pack", "git-receive-pack"
LONGEST_S = 300.0
#: Parts of at most 64 KiB that git may be ahead of whoever reads.
MOST_AHEAD = 32
MAX_HEAD_BYTES = 16 * 1024

log = logging.getLogger(__name__)

router = APIRouter(prefix="/git", include_in_schema=False)
GitClient = Annotated[Viewer, Depends(git_client)]


@dataclass
class GitServing:
    """What the routes need beside the service.

    `running` are pushes and fetches, also those that nobody waits for any more. `owed` are repositories, by course and
    login, that took a push which could not be written down: looked at when their owner comes back.
    """

    repositories: Repositories
    hooks: GitHooks
    running: set[asyncio.Task[None]] = field(default_factory=set)
    owed: set[tuple[str, str]] = field(default_factory=set)


class Output:
    """What git prints, on its way to a client: a little ahead of them, and dropped once they are gone."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(MOST_AHEAD)
        self._gone = False

    async def put(self, part: bytes) -> None:
        """Wait until there is room."""
        await self._room.acquire()
        if self._gone:
            self._room.release()
        else:
            self._parts.put_nowait(part)

    def end(self) -> None:
        """There is no more."""
        self._parts.put_nowait(None)

    async def get(self) -> bytes | None:
        """The next part; None at the end."""
        part = await self._parts.get()
        self._room.release()
        return part

    def leave(self) -> None:
        """Nobody reads any more."""
        self._gone = True
        self._room.release()


@router.get("/{course}/{repository}/info/refs")
async def refs(
    course: str, repository: str, request: Request, service: TheService, viewer: GitClient,
    wanted: Annotated[str, Query(alias="service")] = "",
) -> Response:  # fmt: skip
    """What branches there are, which clone, fetch and push ask first: the repository is there and up to date then."""
    login = await run_in_threadpool(_open, service, request.app.state.git, viewer, course, repository, wanted)
    if wanted == READ:
        await run_in_threadpool(request.app.state.git.repositories.offer, course, login)
    return await _answer(request, viewer, course, login, "info/refs", wanted)


@router.post("/{course}/{repository}/{wanted}")
async def serve(
    course: str, repository: str, wanted: str, request: Request, service: TheService, viewer: GitClient
) -> Response:
    """Send objects, or take them."""
    if wanted == WRITE and request.headers.get("content-encoding", "identity") != "identity":
        raise UnreadableSubmission("this push cannot be read: it is packed twice", "push with git itself")
    login = await run_in_threadpool(_open, service, request.app.state.git, viewer, course, repository, wanted)
    return await _answer(request, viewer, course, login, wanted, wanted)


def _open(service: Service, serving: GitServing, viewer: Viewer, course: str, repository: str, wanted: str) -> str:
    """Whose repository that is, if the viewer may do with it what is wanted. Raises NotFound, NotAllowed."""
    login = repository.removesuffix(".git")
    access.require(viewer, course, Role.STUDENT)
    owner = service.store.accounts.person(login) if LOGIN.fullmatch(login) else None
    if wanted not in (READ, WRITE) or owner is None:
        raise NotFound("there is no such repository", f"yours is /git/{course}/{viewer.person.login}.git")
    if not viewer.may_see(course, owner.id):
        raise NotFound("there is no such repository", f"yours is /git/{course}/{viewer.person.login}.git")
    if wanted == WRITE and owner.id != viewer.person.id:
        raise NotAllowed("you can read this repository, but push to your own alone", "clone your own")
    if not serving.repositories.exists(course, login):
        if course not in service.store.accounts.roles(owner.id):
            raise NotFound("there is no such repository")
        handing_out.make(service, serving.repositories, course, login)
    if wanted == WRITE and (course, login) in serving.owed:
        _recover(service, serving, course, login)
    return login


async def _answer(request: Request, viewer: Viewer, course: str, login: str, path: str, wanted: str) -> Response:
    serving: GitServing = request.app.state.git
    secret, arriving = serving.hooks.expect(viewer, course) if path == WRITE else ("", None)
    process = await asyncio.create_subprocess_exec(
        *serving.repositories.bounded("git", "http-backend"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=_environment(request, serving, viewer, f"/{course}/{login}.git/{path}", wanted, secret),
        start_new_session=True,
    )  # fmt: skip
    output = Output()

    async def run() -> None:
        """To the end, whether or not anybody still listens."""
        try:
            async with asyncio.timeout(LONGEST_S):
                await _drain(process, output)
        except TimeoutError:
            _end(process)
        finally:
            output.end()
            await process.wait()
            serving.hooks.forget(secret)
            if arriving is not None and not arriving.answered:
                await run_in_threadpool(_recover, request.app.state.service, serving, course, login)

    task = asyncio.create_task(run())
    serving.running.add(task)
    task.add_done_callback(serving.running.discard)
    if not await _feed(request, process):
        output.leave()
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # to nobody: they have gone
    status, headers, rest = await _head(output)
    return StreamingResponse(_body(output, rest, process if wanted == READ else None), status, headers)


async def _feed(request: Request, process: asyncio.subprocess.Process) -> bool:
    """Hand the request's body over; False if the client went away before its end.

    git may have heard enough before it is all: then the rest is read and dropped. Half a pack it refuses by itself and
    clears away what came, so nothing is killed here.
    """
    assert process.stdin is not None
    try:
        async for part in request.stream():
            if part and not process.stdin.is_closing():
                try:
                    process.stdin.write(part)
                    await process.stdin.drain()
                except (BrokenPipeError, ConnectionResetError):
                    process.stdin.close()
    except ClientDisconnect:
        return False
    finally:
        process.stdin.close()
    return True


def _end(process: asyncio.subprocess.Process) -> None:
    """End git and all that it started. It clears away what it has not accepted."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


async def _drain(process: asyncio.subprocess.Process, output: Output) -> None:
    assert process.stdout is not None
    while part := await process.stdout.read(65_536):
        await output.put(part)


async def _head(output: Output) -> tuple[int, dict[str, str], bytes]:
    """Status and headers as a CGI program writes them, and what of the body came with them."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = await output.get()
        if part is None or len(head) > MAX_HEAD_BYTES:
            raise GraderError("git gave no answer", "push again; if that does not help, it is ours to mend")
        head += part
    text, _, rest = head.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in text.decode("latin-1").split("\r\n"))
    status = int(headers.pop("Status", "200").split(" ")[0])
    return status, headers, rest


async def _body(output: Output, rest: bytes, process: asyncio.subprocess.Process | None) -> AsyncIterator[bytes]:
    """Ends `process`, if one is given, when the client has gone."""
    try:
        if rest:
            yield rest
        while (part := await output.get()) is not None:
            yield part
    finally:
        output.leave()
        if process is not None:
            _end(process)


def _recover(service: Service, serving: GitServing, course: str, login: str) -> None:
    """The hook after the push never came through: look what arrived."""
    try:
        recovering.recover_one(service, serving.repositories, course, login)
        serving.owed.discard((course, login))
    except GraderError as error:
        log.error("what was pushed could not be handed in: %s/%s: %s", course, login, error)
        serving.owed.add((course, login))


def _environment(
    request: Request, serving: GitServing, viewer: Viewer, path: str, wanted: str, secret: str
) -> Mapping[str, str]:
    settings = {"core.hooksPath": serving.hooks.folder} if secret else {"core.hooksPath": "/dev/null"}
    return {
        **serving.repositories.environment(settings),
        **(serving.hooks.environment(secret) if secret else {}),
        "GIT_PROJECT_ROOT": serving.repositories.root,
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": f"service={wanted}" if path.endswith("/info/refs") else "",
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": viewer.person.login,
        "REMOTE_ADDR": request.client.host if request.client else "",
    }
