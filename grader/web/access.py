"""Who may use a route. Every route depends on exactly one of the rules here; a test walks them all.

everybody     no secret needed
signed_in     a browser's session or a program's token; what a role may do is decided by the steps
git_client    a token as the password that git sends
any_worker    the token all workers share: signs of life, claims
job_holder    the token of one attempt of one job
"""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, NoReturn

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from grader.domain.errors import NotAllowed, NotLoggedIn, TooOften
from grader.domain.job import Job
from grader.domain.people import CredentialKind, Viewer
from grader.steps import access, running
from grader.steps.service import Service
from grader.web.throttle import Throttle

SESSION_COOKIE = "grader_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
_SAFE = ("GET", "HEAD", "OPTIONS")


@asynccontextmanager
async def _closing(request: Request) -> AsyncIterator[None]:
    """A form that was read holds a file until the request is closed."""
    try:
        yield
    finally:
        await request.close()


def service_of(request: Request) -> Service:
    """The grader behind this app."""
    service: Service = request.app.state.service
    return service


async def the_service(request: Request) -> Service:
    """The same, as what a route depends on: a plain function would be run in a thread of its own each time."""
    return service_of(request)


async def everybody(request: Request) -> AsyncIterator[None]:
    """Nobody is asked who they are."""
    async with _closing(request):
        yield


async def signed_in(request: Request) -> AsyncIterator[Viewer]:
    """Who is asking. Raises NotLoggedIn; NotAllowed for a form or script of another site; TooOften for guesses."""
    async with _closing(request):
        yield await _signed_in(request)


async def _signed_in(request: Request) -> Viewer:
    token = bearer(request)
    if token:
        found = await _holder(request, token, CredentialKind.TOKEN)
        if found is None:
            _refuse(request, "this token opens nothing: it was revoked or mistyped")
        return found
    session = request.cookies.get(SESSION_COOKIE, "")
    found = await _holder(request, session, CredentialKind.SESSION) if session else None
    if found is None:
        raise NotLoggedIn("you are not logged in", "log in with your link, or send your token: Authorization: Bearer …")
    if request.method not in _SAFE and not hmac.compare_digest(await _csrf_sent(request), csrf_token(session)):
        raise NotAllowed("this form is too old, or was not made by this site", "load the page again and repeat")
    return found


async def git_client(request: Request) -> Viewer:
    """Whose token git sends as the password; the user's name says nothing. Raises NotLoggedIn, TooOften."""
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise NotLoggedIn("git needs your token as the password", "make one on the page Me, or run grader login")
    try:
        token = base64.b64decode(coded, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        token = ""
    found = await _holder(request, token, CredentialKind.TOKEN) if token else None
    if found is None:
        _refuse(request, "this password is no token of yours: it was revoked or mistyped")
    return found


async def any_worker(request: Request) -> None:
    """A worker of this installation. Raises NotLoggedIn, TooOften."""
    expected: str = request.app.state.worker_token
    if not hmac.compare_digest(bearer(request).encode(), expected.encode()):
        _refuse(request, "this is not the workers' token: set GRADER_WORKER_TOKEN to the grader's own")


def job_holder(request: Request, job_id: str) -> Job:
    """The running job that the sent token opens. Raises NotLoggedIn, TooOften."""
    job = running.holder(service_of(request), job_id, bearer(request))
    if job is None:
        _refuse(request, "this token opens no running job: the attempt has ended")
    return job


TheService = Annotated[Service, Depends(the_service)]
SignedIn = Annotated[Viewer, Depends(signed_in)]
HeldJob = Annotated[Job, Depends(job_holder)]
RULES = (everybody, signed_in, git_client, any_worker, job_holder)


def csrf_token(session: str) -> str:
    """What forms of this session carry: nobody can know it who cannot read the session's pages."""
    return hashlib.sha256(b"csrf:" + session.encode()).hexdigest()


def bearer(request: Request) -> str:
    """The token of the Authorization header; empty if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def guessed_wrong(request: Request) -> None:
    """Count a wrong secret. Raises TooOften where that happens too often from one address.

    A right secret is never refused for it: many students share one address, and nobody guesses 256 bits.
    """
    throttle: Throttle = request.app.state.guesses
    wait = throttle.count(request.client.host if request.client else "")
    if wait > 0:
        raise TooOften("too many wrong logins from your address", wait)


def _refuse(request: Request, message: str) -> NoReturn:
    guessed_wrong(request)
    raise NotLoggedIn(message, "")


async def read_form(request: Request) -> FormData:
    """The request's form, read once; it is closed with the request.

    A file larger than a small page goes to a temporary file, which has no name.
    """
    return await request.form(max_files=1, max_fields=20, max_part_size=64 * 1024)


async def _holder(request: Request, secret: str, kind: CredentialKind) -> Viewer | None:
    return await run_in_threadpool(access.holder, service_of(request), secret, kind)


async def _csrf_sent(request: Request) -> str:
    if request.headers.get(CSRF_HEADER):
        return request.headers[CSRF_HEADER]
    if request.headers.get("content-type", "").startswith(("application/x-www-form-urlencoded", "multipart/")):
        value = (await read_form(request)).get(CSRF_FIELD)
        return value if isinstance(value, str) else ""
    return ""
