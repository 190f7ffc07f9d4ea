"""Errors as answers: a status that fits, whose fault it is, what to do. Programs get JSON, browsers a page."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from grader.domain.errors import (
    Fault,
    GraderError,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    QueueDown,
    Refused,
    StoreDown,
    TooOften,
    UnknownLab,
    UnreadableSubmission,
)
from grader.domain.text import clean_line

log = logging.getLogger(__name__)

STATUS: dict[type[GraderError], int] = {
    NotLoggedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    UnknownLab: 404,
    Refused: 409,
    UnreadableSubmission: 422,
    TooOften: 429,
    QueueDown: 503,
    StoreDown: 503,
}
MALFORMED = "send the form again: one file, with a short name"
#: Shows an error to a person: (request, error, status) -> page.
ErrorPage = Callable[[Request, GraderError, int], Response]


def install(app: FastAPI, page: ErrorPage) -> None:
    """Answer every error the app can meet."""

    def answer(request: Request, error: GraderError, status: int) -> Response:
        if request.url.path.startswith(("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")):
            return JSONResponse({"error": as_json(error)}, status, headers=_headers(error))
        if request.url.path.startswith("/git/"):  # git shows plain text to the pusher
            text = "\n".join(filter(None, [error.message, error.advice]))
            return PlainTextResponse(f"{text}\n", status, headers=_headers(error) | _asks_git(error))
        if status == HTTPStatus.UNAUTHORIZED and request.method == "GET":
            back = urlencode({"next": request.url.path}) if request.url.path != "/" else ""
            return RedirectResponse(f"/login?{back}".rstrip("?"), HTTPStatus.SEE_OTHER)
        response = page(request, error, status)
        response.headers.update(_headers(error))
        return response

    def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, GraderError)
        status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s %s: %s", request.method, request.url.path, error)
        return answer(request, error, status)

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = NotFound if error.status_code == HTTPStatus.NOT_FOUND else GraderError
        malformed = error.status_code == HTTPStatus.BAD_REQUEST  # only forms are read that strictly
        told = kind(clean_line(str(error.detail), 300), MALFORMED if malformed else "")
        told.fault = Fault.STUDENT
        return answer(request, told, error.status_code)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        parts = [f"{'.'.join(str(p) for p in e['loc'][1:])}: {e['msg']}" for e in error.errors()[:5]]
        told = UnreadableSubmission(clean_line("; ".join(parts), 500), "see /docs for what is expected")
        return answer(request, told, HTTPStatus.UNPROCESSABLE_ENTITY)

    def bug(request: Request, error: Exception) -> Response:
        log.error("unexpected: %s %s", request.method, request.url.path, exc_info=error)
        return answer(request, GraderError("something broke on our side", "nothing of yours is lost; try again"), 500)

    app.add_exception_handler(GraderError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, bug)


def as_json(error: GraderError) -> dict[str, object]:
    """What programs read."""
    return {"message": error.message, "advice": error.advice, "fault": str(error.fault), "retried": error.retried}


def _asks_git(error: GraderError) -> dict[str, str]:
    return {"WWW-Authenticate": 'Basic realm="grader"'} if isinstance(error, NotLoggedIn) else {}


def _headers(error: GraderError) -> dict[str, str]:
    if isinstance(error, NotLoggedIn):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooOften):
        return {"Retry-After": str(max(1, round(error.retry_after_s)))}
    return {"Retry-After": "30"} if isinstance(error, (StoreDown, QueueDown)) else {}
