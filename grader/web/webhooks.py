"""Where forges tell of pushes. The signature is the access rule: it is checked before anything is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from grader.domain.errors import NotFound, NotLoggedIn
from grader.domain.forge import Forge, is_signed
from grader.steps import receiving
from grader.web.access import TheService, everybody, guessed_wrong
from grader.web.shapes import REFUSALS

router = APIRouter(prefix="/webhooks", tags=["forges"], responses=REFUSALS)
_ANSWER: dict[int | str, dict[str, Any]] = {202: {"description": "Kept: the commit will be fetched and graded."}}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


def _nobody() -> None:
    return None


@dataclass(frozen=True)
class Webhooks:
    """The forges by course, and who is told that one of them has told of something."""

    forges: Mapping[str, Forge] = field(default_factory=dict)
    woken: Callable[[], None] = _nobody


@router.post("/{course}", dependencies=[Depends(everybody)], responses=_ANSWER, openapi_extra=_BODY)
async def hear(course: str, request: Request, service: TheService) -> JSONResponse:
    """A forge tells of a push; what is not to be graded is answered with the reason, a repetition changes nothing."""
    webhooks: Webhooks = request.app.state.webhooks
    forge = webhooks.forges.get(course)
    if forge is None or await run_in_threadpool(service.store.courses.course, course) is None:
        raise NotFound("no forge is connected here", "the address is /webhooks/ and the course's id")
    body = await request.body()
    if not is_signed(forge, request.headers, body):
        guessed_wrong(request)
        raise NotLoggedIn("the signature is wrong or missing", "enter the course's webhook_secret at the forge")
    status, answer = await run_in_threadpool(receiving.receive, service, forge, request.headers, body)
    webhooks.woken()
    return JSONResponse(answer, status)
