"""The button of a notice: somebody has read that a rerun changed their score."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse, Response

from grader.steps import notices
from grader.web.access import SignedIn, TheService

router = APIRouter(include_in_schema=False)


@router.post("/notices/{notice_id}/seen")
def seen(notice_id: Annotated[int, Path(ge=0, lt=2**31)], service: TheService, viewer: SignedIn) -> Response:
    """Never show it again; then my courses."""
    notices.seen(service, viewer, notice_id)
    return RedirectResponse("/", HTTPStatus.SEE_OTHER)
