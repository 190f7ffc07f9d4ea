"""Reruns for programs: select, begin, follow, look, apply, discard, cancel, revert. The same steps as the pages."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from grader.domain.rerun import Item, Rerun, RerunState, Selection, direction, fate
from grader.steps import notices, reruns
from grader.steps.reruns import Look
from grader.web.access import SignedIn, TheService
from grader.web.shapes import REFUSALS

router = APIRouter(prefix="/api/v1", tags=["reruns"], responses=REFUSALS)

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
Slug = Annotated[str, Path(max_length=100, pattern=_PLAIN)]
Id = Annotated[str, Path(max_length=40, pattern=_PLAIN)]
Short = Annotated[str, Field(max_length=100, pattern=_PLAIN)]
Long = Annotated[str, Field(max_length=300, pattern=_PLAIN)]


class SelectionIn(BaseModel):
    """Whom to grade again: of each student what counts, or the newest; narrowed by everything that is set."""

    model_config = ConfigDict(extra="forbid")
    lab: Short
    newest: bool = False
    test: Long = ""
    verdict: Short = ""
    cause: Long = ""
    login: Short = ""
    section: Short = ""
    no_result: bool = False
    submission_id: Short = ""

    def selection(self) -> Selection:
        """The same for the steps."""
        return Selection(**{name: getattr(self, name) for name in SelectionIn.model_fields})


class RerunIn(SelectionIn):
    """With the spec, as "current" or the start of a digest, and whether scores may go down."""

    spec: Short = reruns.CURRENT
    never_lower: bool = False
    note: Annotated[str, Field(max_length=reruns.NOTE_CHARACTERS, pattern=_PLAIN)] = ""


class PolicyIn(BaseModel):
    """Whether scores may go down; null leaves it as the rerun has it."""

    never_lower: bool | None = None


class SelectedOut(BaseModel):
    """How many submissions a selection finds."""

    submissions: int


class SpecOut(BaseModel):
    """A spec of a lab; `first_at` is null where nothing was graded by it yet."""

    digest: str
    first_at: float | None
    current: bool


class RerunOut(BaseModel):
    """One rerun: `done` of `items` submissions have been graded."""

    id: str
    course: str
    lab: str
    spec_digest: str
    selection: dict[str, Any]
    never_lower: bool
    note: str
    by: str
    created_at: float
    state: str
    ended_at: float | None
    items: int
    done: int
    url: str


class PreviewOut(BaseModel):
    """What applying does: counts by direction, per test how many gain and lose it, and who is left out of it."""

    counts: dict[str, int]
    tests: list[dict[str, Any]]
    kept: int
    moved_on: int
    pending: int


class LookOut(RerunOut):
    """A rerun with its preview, which is null while it runs."""

    preview: PreviewOut | None


class ItemOut(BaseModel):
    """One submission in a rerun; `fate` is what applying does with it: moves, stays, kept, moved_on, pending."""

    submission: str
    login: str
    name: str
    before: int | None
    after: int | None
    tests_before: dict[str, int]
    tests_after: dict[str, int]
    direction: str
    fate: str
    applied: bool


class NoticeOut(BaseModel):
    """Something that one has to be told. `change` is what became of the points, where that may be seen."""

    id: int
    course: str
    submission: str
    text: str
    change: str
    at: float


@router.get("/courses/{course}/labs/{lab}/specs")
def specs(course: Slug, lab: Slug, viewer: SignedIn, service: TheService) -> list[SpecOut]:
    """Every spec that the lab was ever graded by, the newest first (graders)."""
    return [SpecOut.model_validate(vars(one)) for one in reruns.specs(service, viewer, course, lab)]


@router.get("/courses/{course}/reruns/selected")
def selected(course: Slug, sent: Annotated[SelectionIn, Query()], viewer: SignedIn, service: TheService) -> SelectedOut:
    """How many submissions a rerun would have (graders)."""
    return SelectedOut(submissions=len(reruns.selected(service, viewer, course, sent.selection())))


@router.get("/courses/{course}/reruns")
def page(
    course: Slug, viewer: SignedIn, service: TheService,
    before: Annotated[str, Query(max_length=40, pattern=_PLAIN)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[RerunOut]:  # fmt: skip
    """Newest first (graders). `before` is the last id of the page before."""
    found = reruns.listed(service, viewer, course, before=before, limit=limit)
    return [RerunOut.model_validate(_rerun_out(one)) for one in found]


@router.post("/courses/{course}/reruns", status_code=201)
def begin(course: Slug, sent: RerunIn, viewer: SignedIn, service: TheService) -> RerunOut:
    """Grade what is selected again. Nothing counts until it is applied (graders)."""
    begun = reruns.begin(
        service, viewer, course, sent.selection(), spec=sent.spec, never_lower=sent.never_lower, note=sent.note
    )  # fmt: skip
    return RerunOut.model_validate(_rerun_out(begun))


@router.get("/reruns/{rerun_id}")
def look(rerun_id: Id, viewer: SignedIn, service: TheService, never_lower: bool | None = None) -> LookOut:
    """How far it is; once it is graded, what applying it would do, also under another policy (graders)."""
    rerun = reruns.visible_rerun(service, viewer, rerun_id)
    if rerun.state is RerunState.RUNNING:  # asked again and again by who follows it
        return LookOut.model_validate({**_rerun_out(rerun), "preview": None})
    return _look_out(reruns.look(service, viewer, rerun_id, never_lower=never_lower))


@router.get("/reruns/{rerun_id}/items")
def items(
    rerun_id: Id, viewer: SignedIn, service: TheService, never_lower: bool | None = None,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[ItemOut]:  # fmt: skip
    """Its submissions by login (graders)."""
    seen = reruns.look(service, viewer, rerun_id)
    lowers = seen.rerun.never_lower if never_lower is None else never_lower
    return [ItemOut.model_validate(_item_out(item, lowers)) for item in seen.items[offset : offset + limit]]


@router.post("/reruns/{rerun_id}/apply")
def apply(rerun_id: Id, viewer: SignedIn, service: TheService, sent: PolicyIn | None = None) -> LookOut:
    """Make its scores count, but for who was graded anew meanwhile; newer submissions are not touched (graders)."""
    return _look_out(reruns.apply(service, viewer, rerun_id, never_lower=sent.never_lower if sent else None))


@router.post("/reruns/{rerun_id}/revert")
def revert(rerun_id: Id, viewer: SignedIn, service: TheService) -> LookOut:
    """Make what counted before count again, where the rerun's score still does (graders)."""
    return _look_out(reruns.revert(service, viewer, rerun_id))


@router.post("/reruns/{rerun_id}/discard")
def discard(rerun_id: Id, viewer: SignedIn, service: TheService) -> LookOut:
    """Let its scores never count (graders)."""
    return _look_out(reruns.discard(service, viewer, rerun_id))


@router.post("/reruns/{rerun_id}/cancel")
def cancel(rerun_id: Id, viewer: SignedIn, service: TheService) -> LookOut:
    """End it while it runs (graders)."""
    return _look_out(reruns.cancel(service, viewer, rerun_id))


@router.get("/notices")
def unseen(viewer: SignedIn, service: TheService) -> list[NoticeOut]:
    """What one has to be told and has not yet said to have read, newest first."""
    return [NoticeOut.model_validate(vars(one)) for one in notices.unseen(service, viewer)]


@router.post("/notices/{notice_id}/seen")
def seen(notice_id: Annotated[int, Path(ge=0, lt=2**31)], viewer: SignedIn, service: TheService) -> list[NoticeOut]:
    """One has read it; what is left."""
    notices.seen(service, viewer, notice_id)
    return unseen(viewer, service)


def _look_out(seen: Look) -> LookOut:
    found = seen.preview
    told = {
        "counts": {str(name): n for name, n in found.counts.items()},
        "tests": [{"test": name, "gain": gain, "lose": lose} for name, gain, lose in found.tests],
        **{name: getattr(found, name) for name in ("kept", "moved_on", "pending")},
    }
    running = seen.rerun.state is RerunState.RUNNING
    return LookOut.model_validate({**_rerun_out(seen.rerun), "preview": None if running else told})


def _rerun_out(rerun: Rerun) -> dict[str, Any]:
    url = f"/c/{rerun.course}/reruns/{rerun.id}"
    return {**vars(rerun), "state": str(rerun.state), "selection": vars(rerun.selection), "url": url}


def _item_out(item: Item, never_lower: bool) -> dict[str, Any]:
    told = {
        name: getattr(item, name) for name in ItemOut.model_fields if name not in ("submission", "direction", "fate")
    }
    return {
        **told,
        "submission": item.submission_id,
        "tests_before": dict(item.tests_before),
        "tests_after": dict(item.tests_after),
        "direction": str(direction(item)),
        "fate": str(fate(item, never_lower=never_lower)),
    }
