"""The public API: hand in, look, run again, cancel. The same steps as the pages, for programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from grader.domain.errors import NotAllowed, NotFound
from grader.domain.people import CredentialKind, Role, Viewer
from grader.domain.rerun import Rerun
from grader.steps import access, intake, rerunning, viewing
from grader.steps.service import Service
from grader.web.access import SignedIn, TheService, everybody, guessed_wrong
from grader.web.shapes import (
    REFUSALS,
    AgainOut,
    DetailOut,
    LabOut,
    MeOut,
    NewTokenOut,
    ReceiptOut,
    ScoreOut,
    SubmissionOut,
    TokenOut,
    detail_out,
    submission_out,
)
from grader.web.uploads import FORM, read_upload

router = APIRouter(prefix="/api/v1", responses=REFUSALS)

_PLAIN = r"^[^\x00-\x1f\x7f]+$"
Slug = Annotated[str, Path(max_length=100, pattern=_PLAIN)]
Id = Annotated[str, Path(max_length=40, pattern=_PLAIN)]
Word = Annotated[str | None, Query(max_length=100, pattern=_PLAIN)]


class LinkIn(BaseModel):
    """A one-time link's secret, to be changed for a token."""

    link: Annotated[str, Field(max_length=200)]
    label: Annotated[str, Field(max_length=200)] = "command line"


class TokenIn(BaseModel):
    """What to call a new token."""

    label: Annotated[str, Field(max_length=200)]


@router.post("/login", status_code=201, tags=["access"], dependencies=[Depends(everybody)])
def login(sent: LinkIn, request: Request, service: TheService) -> NewTokenOut:
    """Change a one-time link for a token. The link is used up."""
    try:
        person = access.redeem_link(service, sent.link)
    except NotAllowed:
        guessed_wrong(request)
        raise
    return _new_token(access.issue(service, person, CredentialKind.TOKEN, sent.label))


@router.get("/me", tags=["access"])
def me(viewer: SignedIn) -> MeOut:
    """Who is asking, and their role in each course."""
    roles = {course: str(role) for course, role in viewer.roles.items()}
    return MeOut(login=viewer.person.login, name=viewer.person.name, roles=roles)


@router.get("/tokens", tags=["access"])
def tokens(viewer: SignedIn, service: TheService) -> list[TokenOut]:
    """One's own tokens."""
    found = service.store.accounts.credentials(viewer.person.id, CredentialKind.TOKEN)
    return [TokenOut.model_validate(vars(one)) for one in found]


@router.post("/tokens", status_code=201, tags=["access"])
def make_token(sent: TokenIn, viewer: SignedIn, service: TheService) -> NewTokenOut:
    """A new token, shown this once."""
    return _new_token(access.issue(service, viewer.person, CredentialKind.TOKEN, sent.label))


@router.delete("/tokens/{token_id}", status_code=204, tags=["access"])
def revoke_token(token_id: Annotated[int, Path(ge=0, lt=2**31)], viewer: SignedIn, service: TheService) -> Response:
    """Make one's own token worthless."""
    if not service.store.accounts.revoke(viewer.person.id, token_id, CredentialKind.TOKEN):
        raise NotFound("you have no such token")
    return Response(status_code=204)


@router.get("/courses/{course}/labs", tags=["courses"])
def labs(course: Slug, viewer: SignedIn, service: TheService) -> list[LabOut]:
    """The labs of a course, in its order."""
    access.require(viewer, course, Role.STUDENT)
    return [
        LabOut.model_validate(
            {
                **vars(lab),
                "submission": lab.submission,
                "optional": viewing.the_spec(service, lab.spec_digest).lab.optional,
            }
        )
        for lab in service.store.courses.labs(course)
    ]


@router.post(
    "/courses/{course}/labs/{lab}/submissions",
    status_code=201,
    tags=["submissions"],
    openapi_extra=FORM,
    responses={
        200: {"model": ReceiptOut, "description": "Handed in before, unchanged: this one"},
    },
)
async def submit(
    course: Slug, lab: Slug, request: Request, response: Response, viewer: SignedIn, service: TheService
) -> ReceiptOut:
    """Hand in a file or an archive, as the form's `file`. Once this is answered, it will be graded."""
    await run_in_threadpool(access.require, viewer, course, Role.STUDENT)
    name, data = await read_upload(request)
    return await run_in_threadpool(_submit, service, viewer, course, lab, name, data, response)


@router.get("/courses/{course}/submissions", tags=["submissions"])
def submissions(
    course: Slug,
    viewer: SignedIn,
    service: TheService,
    lab: Word = None,
    login: Word = None,
    before: Word = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[SubmissionOut]:
    """Newest first: one's own, or for graders anybody's. `before` is the last id of the page before."""
    access.require(viewer, course, Role.STUDENT)
    person = None if login is None else service.store.accounts.person(login)
    if login is not None and person is None:
        return []
    whose = person.id if person else None
    found = viewing.handed_in(service, viewer, course, person_id=whose, lab=lab, before=before or "", limit=limit)
    return [SubmissionOut.model_validate(submission_out(h.handin, h.person, h.job, viewing.place(service, h.job)))
            for h in found]  # fmt: skip


@router.get("/submissions/{submission_id}", tags=["submissions"])
def submission(submission_id: Id, viewer: SignedIn, service: TheService) -> DetailOut:
    """One submission with verdicts, diagnoses and measurements."""
    return DetailOut.model_validate(detail_out(viewing.view(service, viewer, submission_id)))


@router.post("/submissions/{submission_id}/rerun", status_code=201, tags=["submissions"])
def rerun(submission_id: Id, viewer: SignedIn, service: TheService) -> AgainOut:
    """Grade it once more under the lab's present spec (graders).

    With a score already, by a rerun: nothing counts until that is applied, and `rerun` is its id.
    """
    begun = rerunning.rerun(service, viewer, submission_id)
    told = _short(service, viewer, submission_id).model_dump()
    return AgainOut.model_validate({**told, "rerun": begun.id if isinstance(begun, Rerun) else None})


@router.post("/submissions/{submission_id}/cancel", tags=["submissions"])
def cancel(submission_id: Id, viewer: SignedIn, service: TheService) -> SubmissionOut:
    """End its job: at once if it waits, soon if it runs."""
    rerunning.cancel(service, viewer, submission_id)
    return _short(service, viewer, submission_id)


@router.get("/courses/{course}/scores", tags=["courses"])
def scores(course: Slug, viewer: SignedIn, service: TheService) -> list[ScoreOut]:
    """The best graded submission per person and lab: one's own, or for graders everybody's."""
    access.require(viewer, course, Role.STUDENT)
    best = viewing.best(service, viewer, course)
    return [ScoreOut.model_validate({**vars(one), "submission": one.submission_id}) for one in best]


def _submit(
    service: Service, viewer: Viewer, course: str, lab: str, name: str, data: bytes, response: Response
) -> ReceiptOut:
    receipt = intake.submit(service, viewer, course, lab, name=name, data=data, source="api")
    response.status_code = 200 if receipt.duplicate else 201
    job = viewing.seen_job(service, viewer, receipt.handin, receipt.job)
    told = submission_out(receipt.handin, viewer.person, job, viewing.place(service, job))
    return ReceiptOut.model_validate({**told, "duplicate": receipt.duplicate, "notes": list(receipt.notes)})


def _short(service: Service, viewer: Viewer, submission_id: str) -> SubmissionOut:
    view = viewing.view(service, viewer, submission_id)
    return SubmissionOut.model_validate(submission_out(view.handin, view.person, view.job, view.place))


def _new_token(issued: access.Issued) -> NewTokenOut:
    return NewTokenOut.model_validate({**vars(issued.credential), "token": issued.secret})
