"""The pages of reruns: choose, see how many that is, start, watch, look at what would change, then decide.

Nothing is decided by a single click: what changes scores is asked for on a page of its own, which says what it does.
"""

import re
from dataclasses import asdict, fields
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from grader.domain.errors import GraderError, NotFound
from grader.domain.people import Role, Viewer
from grader.domain.report import Verdict
from grader.domain.rerun import Direction, RerunState, Selection, direction, fate
from grader.steps import reruns
from grader.steps.access import require
from grader.steps.reruns import Look
from grader.steps.service import Service
from grader.steps.viewing import the_spec
from grader.web.access import SignedIn, TheService, read_form
from grader.web.pages.forms import PLAIN, Id, Name
from grader.web.pages.rerun_pictures import slopes
from grader.web.pages.showing import PAGE, shown, status_of, the_course

router = APIRouter(include_in_schema=False)
#: Students named before a rerun starts, and rows of its table; the rest is behind the export of the API.
NAMED = 20
ROWS = 500
LONGEST = 300
#: What one may do with a rerun, while it is in which state.
ACTIONS = {
    "apply": (reruns.apply, RerunState.READY),
    "discard": (reruns.discard, RerunState.READY),
    "cancel": (reruns.cancel, RerunState.RUNNING),
    "revert": (reruns.revert, RerunState.APPLIED),
}
#: What a grader looks for first.
_URGENT = {Direction.DOWN: 0, Direction.UNSETTLED: 1, Direction.UP: 2}
_FLAGS = {"newest", "no_result"}
Word = Annotated[str, Query(max_length=LONGEST, pattern=PLAIN)]


@router.get("/c/{course}/reruns")
def reruns_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, before: Word = ""
) -> HTMLResponse:
    """The reruns of a course, newest first."""
    found = the_course(service, viewer, course)
    rows = reruns.listed(service, viewer, course, before=before, limit=PAGE)
    more = f"/c/{course}/reruns?{urlencode({'before': rows[-1].id})}" if len(rows) == PAGE else ""
    return shown(request, "reruns.html", viewer, course=found, rows=rows, more=more)


@router.get("/c/{course}/reruns/new")
def new_page(
    course: Name, request: Request, service: TheService, viewer: SignedIn, lab: Word = "", test: Word = "",
    verdict: Word = "", cause: Word = "", login: Word = "", section: Word = "", submission: Word = "",
    no_result: bool = False, newest: bool = False, spec: Word = reruns.CURRENT,
) -> HTMLResponse:  # fmt: skip
    """Choose what to grade again; with a lab chosen, how many that is."""
    require(viewer, course, Role.GRADER)
    selection = Selection(lab, newest, test, verdict, cause, login, section, no_result, submission)
    return _new(request, service, viewer, course, selection, spec)


@router.post("/c/{course}/reruns")
async def begin(course: Name, request: Request, service: TheService, viewer: SignedIn) -> Response:
    """Start it; then its page."""
    return await run_in_threadpool(_begun, request, service, viewer, course, await read_form(request))


@router.get("/c/{course}/reruns/{rerun_id}")
def rerun_page(
    course: Name, rerun_id: Id, request: Request, service: TheService, viewer: SignedIn,
    never_lower: bool | None = None,
) -> HTMLResponse:  # fmt: skip
    """How far it is; then what applying it would do, under the policy it has or another."""
    return _shown(request, service, viewer, course, rerun_id, never_lower)


@router.get("/c/{course}/reruns/{rerun_id}/confirm")
def confirm_page(
    course: Name, rerun_id: Id, request: Request, service: TheService, viewer: SignedIn, action: Word = "apply",
    never_lower: bool | None = None,
) -> HTMLResponse:  # fmt: skip
    """What an action would do, and the button that does it."""
    found = the_course(service, viewer, course)
    look = _look(service, viewer, course, rerun_id, never_lower)
    if action not in ACTIONS:
        raise NotFound("there is no such action", "go back to the rerun")
    lowers = look.rerun.never_lower if never_lower is None else never_lower
    return shown(
        request, "rerun_confirm.html", viewer, course=found, look=look, action=action, never_lower=lowers,
        possible=look.rerun.state is ACTIONS[action][1], Direction=Direction,
    )  # fmt: skip


@router.post("/c/{course}/reruns/{rerun_id}/{action}")
async def act(
    course: Name, rerun_id: Id, action: Name, request: Request, service: TheService, viewer: SignedIn
) -> Response:
    """Apply, discard, cancel or revert."""
    form = await read_form(request)
    return await run_in_threadpool(_acted, request, service, viewer, (course, rerun_id, action), form)


def _begun(request: Request, service: Service, viewer: Viewer, course: str, form: FormData) -> Response:
    selection, spec = _selection(form), _text(form, "spec") or reruns.CURRENT
    try:
        begun = reruns.begin(
            service, viewer, course, selection, spec=spec, never_lower=bool(_text(form, "never_lower")),
            note=_text(form, "note"),
        )  # fmt: skip
    except GraderError as error:
        require(viewer, course, Role.GRADER)  # whoever may not is told on a page of its own
        return _new(request, service, viewer, course, selection, spec, error)
    return RedirectResponse(f"/c/{course}/reruns/{begun.id}", HTTPStatus.SEE_OTHER)


def _acted(request: Request, service: Service, viewer: Viewer, where: tuple[str, str, str], form: FormData) -> Response:
    course, rerun_id, action = where
    _look(service, viewer, course, rerun_id, None)
    if action not in ACTIONS:
        raise NotFound("there is no such action", "go back to the rerun")
    chosen = _text(form, "never_lower")
    try:
        if action == "apply":
            reruns.apply(service, viewer, rerun_id, never_lower=chosen == "true" if chosen else None)
        else:
            ACTIONS[action][0](service, viewer, rerun_id)
    except GraderError as error:
        return _shown(request, service, viewer, course, rerun_id, None, error)
    return RedirectResponse(f"/c/{course}/reruns/{rerun_id}", HTTPStatus.SEE_OTHER)


def _new(
    request: Request, service: Service, viewer: Viewer, course: str, selection: Selection, spec: str,
    error: GraderError | None = None,
) -> HTMLResponse:  # fmt: skip
    found = the_course(service, viewer, course)
    labs = service.store.courses.labs(course)
    told: dict[str, Any] = {"labs": labs, "specs": [], "tests": [], "chosen": None, "named": []}
    if selection.lab:
        try:
            selection = reruns.completed(service, course, selection)
            told |= _counted(service, viewer, course, selection)
        except GraderError as problem:
            error = error or problem
    status = 200 if error is None else status_of(error)
    sent = {name: "on" if value is True else value for name, value in asdict(selection).items() if value}
    return shown(
        request, "rerun_new.html", viewer, status, course=found, selection=selection, spec=spec, sent=sent,
        sections=service.store.standings.sections(course), verdicts=list(Verdict), error=error, **told,
    )  # fmt: skip


def _counted(service: Service, viewer: Viewer, course: str, selection: Selection) -> dict[str, Any]:
    """What the form offers for a lab, and what is selected by it."""
    specs = reruns.specs(service, viewer, course, selection.lab)
    tests = the_spec(service, next(one.digest for one in specs if one.current)).lab.tests
    chosen = reruns.selected(service, viewer, course, selection)
    people = service.store.accounts.people([one.person_id for one in chosen[:NAMED]])
    named = [(people[one.person_id], one.submission_id) for one in chosen[:NAMED]]
    return {"specs": specs, "tests": tests, "chosen": chosen, "named": named}


def _shown(
    request: Request, service: Service, viewer: Viewer, course: str, rerun_id: str, never_lower: bool | None,
    error: GraderError | None = None,
) -> HTMLResponse:  # fmt: skip
    found = the_course(service, viewer, course)
    look = _look(service, viewer, course, rerun_id, never_lower)
    lowers = look.rerun.never_lower if never_lower is None else never_lower
    lab = the_spec(service, look.rerun.spec_digest).lab
    labs = {one.id: one for one in service.store.courses.labs(course)}
    current = labs[look.rerun.lab].spec_digest == look.rerun.spec_digest
    rows = sorted(
        ((item, direction(item), fate(item, never_lower=lowers)) for item in look.items),
        key=lambda row: _URGENT.get(row[1], len(_URGENT)),
    )
    return shown(
        request, "rerun.html", viewer, 200 if error is None else status_of(error), course=found, look=look,
        rerun=look.rerun, lab=lab, current=current, never_lower=lowers, Direction=Direction, error=error,
        rows=rows[:ROWS], unlisted=max(0, len(rows) - ROWS), claims={test.name: test.claim for test in lab.tests},
        picture=slopes(look.items, look.preview, lab.max_score, never_lower=lowers),
    )  # fmt: skip


def _look(service: Service, viewer: Viewer, course: str, rerun_id: str, never_lower: bool | None) -> Look:
    require(viewer, course, Role.GRADER)
    look = reruns.look(service, viewer, rerun_id, never_lower=never_lower)
    if look.rerun.course != course:
        raise NotFound("there is no such rerun in this course", "check the address")
    return look


def _selection(form: FormData) -> Selection:
    names = [field.name for field in fields(Selection)]
    told = {name: _text(form, name) for name in names}
    return Selection(**{name: bool(text) if name in _FLAGS else text for name, text in told.items()})  # type: ignore[arg-type]


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip()[:LONGEST] if isinstance(value, str) and re.fullmatch(PLAIN, value) else ""
