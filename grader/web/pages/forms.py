"""What people send by a button: log in and out, hand in, run again, cancel, tokens.

A form that worked answers with a redirect, so that loading a page again repeats nothing; one that did not shows its
page again with what went wrong.
"""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from grader.domain.errors import GraderError, NotAllowed, NotFound
from grader.domain.people import CredentialKind, Person, Role, Viewer
from grader.domain.rerun import Rerun
from grader.steps import access, intake, rerunning
from grader.steps.service import Service
from grader.web.access import SESSION_COOKIE, SignedIn, TheService, everybody, guessed_wrong, read_form
from grader.web.pages.showing import lab_shown, result_shown, shown, status_of
from grader.web.uploads import read_upload

router = APIRouter(include_in_schema=False)
LONGEST_SECRET = 400
#: A word without control characters, which some databases cannot even be asked for.
PLAIN = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, Path(max_length=100, pattern=PLAIN)]
Id = Annotated[str, Path(max_length=40, pattern=PLAIN)]
_SESSION_S = int(access.LIFETIME_S[CredentialKind.SESSION])


@router.get("/login", dependencies=[Depends(everybody)])
def login_page(request: Request, service: TheService, token: str = "", next: str = "") -> Response:
    """The way in. A link is only used up by the button, so that mail scanners and previews do not."""
    secret = token[:LONGEST_SECRET]
    person = service.store.accounts.peek_credential(access.digest(secret), CredentialKind.LINK, service.clock())
    greeting = person.name or person.login if person else ""
    return shown(request, "login.html", None, token=secret, greeting=greeting, next=_local(next))


@router.post("/login", dependencies=[Depends(everybody)])
async def login(request: Request, service: TheService) -> Response:
    """Open a session with a one-time link or a token. Another site cannot log a visitor in."""
    _refuse_other_sites(request)
    form = await read_form(request)
    secret, target = _field(form.get("token")), _local(_field(form.get("next")))
    try:
        person = await run_in_threadpool(_whose, service, secret)
    except NotAllowed as error:
        guessed_wrong(request)
        return shown(
            request, "login.html", None, status_of(error), error=error, token="", greeting="", next=target
        )  # fmt: skip
    session = await run_in_threadpool(access.issue, service, person, CredentialKind.SESSION, "browser")
    response = _to(target or "/")
    response.set_cookie(
        SESSION_COOKIE, session.secret, max_age=_SESSION_S, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


@router.post("/logout")
def logout(request: Request, service: TheService, viewer: SignedIn) -> Response:
    """End this session."""
    access.end_session(service, request.cookies.get(SESSION_COOKIE, ""))
    response = _to("/login")
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.post("/c/{course}/labs/{lab}/submit")
async def submit(course: Name, lab: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Hand in a file; then its result page, live."""
    await run_in_threadpool(access.require, viewer, course, Role.STUDENT)
    try:
        name, data = await read_upload(request)
        receipt = await run_in_threadpool(
            lambda: intake.submit(service, viewer, course, lab, name=name, data=data, source="web")
        )
    except GraderError as error:
        told, status = error, status_of(error)
        return await run_in_threadpool(
            lambda: lab_shown(request, service, viewer, course, lab, error=told, status=status)
        )
    return _to(f"/submissions/{receipt.handin.id}{'?duplicate=true' if receipt.duplicate else ''}")


@router.post("/submissions/{submission_id}/rerun")
def rerun(submission_id: Id, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Grade it once more, for graders; with a score, by a rerun whose page is next."""
    try:
        begun = rerunning.rerun(service, viewer, submission_id)
    except GraderError as error:
        return result_shown(request, service, viewer, submission_id, error=error, status=status_of(error))
    if isinstance(begun, Rerun):
        return _to(f"/c/{begun.course}/reruns/{begun.id}")
    return _to(f"/submissions/{submission_id}")


@router.post("/submissions/{submission_id}/cancel")
def cancel(submission_id: Id, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """End its job."""
    try:
        rerunning.cancel(service, viewer, submission_id)
    except GraderError as error:
        return result_shown(request, service, viewer, submission_id, error=error, status=status_of(error))
    return _to(f"/submissions/{submission_id}")


@router.get("/me")
def me(request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Who I am, and my tokens."""
    return _me_shown(request, service, viewer)


@router.post("/me/tokens")
async def make_token(request: Request, service: TheService, viewer: SignedIn) -> Response:
    """A new token, on the page this once."""
    label = _field((await read_form(request)).get("label"))
    return await run_in_threadpool(_token_made, request, service, viewer, label)


@router.post("/me/tokens/{token_id}/revoke")
def revoke_token(
    token_id: Annotated[int, Path(ge=0, lt=2**31)], service: TheService, viewer: SignedIn
) -> Response:  # fmt: skip
    """Make one of my tokens worthless."""
    if not service.store.accounts.revoke(viewer.person.id, token_id, CredentialKind.TOKEN):
        raise NotFound("you have no such token", "it may be revoked already")
    return _to("/me")


def _token_made(request: Request, service: Service, viewer: Viewer, label: str) -> Response:
    try:
        made = access.issue(service, viewer.person, CredentialKind.TOKEN, label)
    except GraderError as error:
        return _me_shown(request, service, viewer, error=error, status=status_of(error))
    return _me_shown(request, service, viewer, made=made)


def _me_shown(
    request: Request, service: Service, viewer: Viewer, *, made: access.Issued | None = None,
    error: GraderError | None = None, status: int = 200,
) -> Response:  # fmt: skip
    tokens = service.store.accounts.credentials(viewer.person.id, CredentialKind.TOKEN)
    return shown(request, "me.html", viewer, status, tokens=tokens, made=made, error=error)


def _whose(service: Service, sent: str) -> Person:
    """Whose link or token this is; a link may come as its whole address. Raises NotAllowed."""
    secret = parse_qs(urlsplit(sent).query).get("token", [sent])[0] if "token=" in sent else sent
    holder = access.holder(service, secret, CredentialKind.TOKEN)
    return holder.person if holder is not None else access.redeem_link(service, secret)


def _refuse_other_sites(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowed("this form was not made by this site", "open the link again and use its button")
    origin = request.headers.get("origin", "")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise NotAllowed("this form was not made by this site", "open the link again and use its button")


def _local(target: str) -> str:
    """A path of this site; empty for anything that a browser could take for another."""
    plain = target.isascii() and target.isprintable() and "\\" not in target
    return target[:LONGEST_SECRET] if plain and target.startswith("/") and not target.startswith("//") else ""


def _field(value: object) -> str:
    return value.strip()[:LONGEST_SECRET] if isinstance(value, str) else ""


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
