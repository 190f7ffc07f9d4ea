"""Reruns: chosen submissions graded again, behind whatever students wait for, looked at, and only then made to count.

Graders begin, look, apply, discard, cancel and revert alike: whoever may see every score may ask for a second one, and
nothing of it is lost. Each of these is in the audit log with what it did.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.domain.course import CourseLab, KnownSpec
from grader.domain.errors import NotFound, Refused
from grader.domain.job import Job, Lane
from grader.domain.people import Role, Viewer
from grader.domain.report import Verdict
from grader.domain.rerun import (
    NOT_PASSED,
    Chosen,
    Direction,
    Item,
    Preview,
    Rerun,
    RerunState,
    Selection,
    direction,
    preview,
)
from grader.domain.submission import derive_seed
from grader.domain.text import clean_line
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.intake import new_id
from grader.steps.service import Service
from grader.steps.viewing import the_spec

#: The spec that new submissions are graded by, whichever that is.
CURRENT = "current"
#: More than any lab's students; each costs a run.
MOST = 5_000
NOTE_CHARACTERS = 200
_SHORTEST_DIGEST = 4


@dataclass(frozen=True)
class Look:
    """A rerun, its submissions by login, and what applying it would do; once it is applied, what it has done."""

    rerun: Rerun
    items: list[Item]
    preview: Preview


def begin(
    service: Service, viewer: Viewer, course: str, selection: Selection, *, spec: str = CURRENT,
    never_lower: bool = False, note: str = "",
) -> Rerun:  # fmt: skip
    """Grade what is selected again, under the present spec or the one whose digest begins so.

    Raises NotFound, NotAllowed, UnknownLab; Refused where nothing or too much is selected, or the same is under way.
    """
    require(viewer, course, Role.GRADER)
    selection = completed(service, course, selection)
    lab = find_lab(service, course, selection.lab)
    digest = find_spec(service, lab, spec)
    chosen = _select(service, course, selection)
    _refuse_bounds(chosen)
    _refuse_repeated(service, course, selection, digest)
    rerun = Rerun(
        id=new_id(), course=course, lab=lab.id, spec_digest=digest, selection=selection, never_lower=never_lower,
        note=clean_line(note, NOTE_CHARACTERS), by=viewer.person.login, created_at=service.clock(),
        state=RerunState.RUNNING, items=len(chosen),
    )  # fmt: skip
    service.store.reruns.begin(rerun, _jobs(service, rerun, chosen))
    detail = {"lab": lab.id, "spec": digest, "submissions": len(chosen), "never_lower": never_lower}
    _note(service, viewer, rerun, "rerun begun", detail)
    service.woken()
    return rerun


def selected(service: Service, viewer: Viewer, course: str, selection: Selection) -> list[Chosen]:
    """What a selection finds, by login; one more than a rerun may have says that it is too much.

    Raises NotFound, NotAllowed, UnknownLab, and Refused for a selection that makes no sense.
    """
    require(viewer, course, Role.GRADER)
    return _select(service, course, completed(service, course, selection))


def completed(service: Service, course: str, selection: Selection) -> Selection:
    """With the lab's whole id; a test alone means whoever has not passed it. Raises UnknownLab, Refused."""
    lab = find_lab(service, course, selection.lab)
    if (selection.verdict or selection.cause) and not selection.test:
        raise Refused("a verdict or a cause is that of a test", "name the test as well")
    if selection.verdict and selection.verdict not in (*map(str, Verdict), NOT_PASSED):
        shown = clean_line(selection.verdict, 40)
        raise Refused(f'there is no verdict "{shown}"', f"there are {', '.join((*Verdict, NOT_PASSED))}")
    alone = selection.test and not (selection.verdict or selection.cause)
    return replace(selection, lab=lab.id, verdict=NOT_PASSED if alone else selection.verdict)


def specs(service: Service, viewer: Viewer, course: str, lab: str) -> list[KnownSpec]:
    """Every spec that the lab was ever graded by, the newest first. Raises NotFound, NotAllowed, UnknownLab."""
    require(viewer, course, Role.GRADER)
    return service.store.courses.specs(course, find_lab(service, course, lab).id)


def find_spec(service: Service, lab: CourseLab, spec: str) -> str:
    """The digest of the present spec, or the lab's only one that begins so. Raises Refused."""
    if spec in ("", CURRENT):
        return lab.spec_digest
    known = [one.digest for one in service.store.courses.specs(lab.course, lab.id)]
    found = [digest for digest in known if len(spec) >= _SHORTEST_DIGEST and digest.startswith(spec)]
    if len(found) != 1:
        listed = ", ".join(digest[:12] for digest in known[:8])
        raise Refused(f'"{clean_line(spec, 70)}" is not one of the specs of {lab.id}', f"there are {listed}")
    return found[0]


def listed(service: Service, viewer: Viewer, course: str, *, before: str = "", limit: int = 50) -> list[Rerun]:
    """The reruns of a course, newest first. Raises NotFound, NotAllowed."""
    require(viewer, course, Role.GRADER)
    return service.store.reruns.page(course, before=before, limit=limit)


def visible_rerun(service: Service, viewer: Viewer, rerun_id: str) -> Rerun:
    """How far it is, without its submissions. Raises NotFound."""
    rerun = service.store.reruns.get(rerun_id)
    if rerun is None or not viewer.may(rerun.course, Role.GRADER):
        raise NotFound("there is no such rerun, or it is not for you", "check the address, and who you are")
    return rerun


def look(service: Service, viewer: Viewer, rerun_id: str, *, never_lower: bool | None = None) -> Look:
    """One of them with its preview, under the policy it has or another. Raises NotFound."""
    rerun = visible_rerun(service, viewer, rerun_id)
    items = service.store.reruns.items(rerun.id, limit=MOST)
    lowers = rerun.never_lower if never_lower is None else never_lower
    return Look(rerun, items, preview(items, never_lower=lowers))


def apply(service: Service, viewer: Viewer, rerun_id: str, *, never_lower: bool | None = None) -> Look:
    """Make its scores count, but for whoever was graded anew meanwhile. Raises NotFound, and Refused unless ready."""
    rerun = visible_rerun(service, viewer, rerun_id)
    moved = service.store.reruns.apply(rerun.id, viewer.person.login, service.clock(), never_lower=never_lower)
    if moved is None:
        raise _cannot(service, rerun, "applied", "wait until all of it is graded, or cancel it")
    _note(service, viewer, rerun, "rerun applied", _moved(moved))
    return _told(service, viewer, rerun.id, moved)


def revert(service: Service, viewer: Viewer, rerun_id: str) -> Look:
    """Give back what counted before, where the rerun's score still counts. Raises NotFound, and Refused."""
    rerun = visible_rerun(service, viewer, rerun_id)
    moved = service.store.reruns.revert(rerun.id, viewer.person.login, service.clock())
    if moved is None:
        raise _cannot(service, rerun, "reverted", "only an applied rerun can be")
    _note(service, viewer, rerun, "rerun reverted", {"submissions": len(moved)})
    return _told(service, viewer, rerun.id, moved)


def discard(service: Service, viewer: Viewer, rerun_id: str) -> Look:
    """Let its scores never count. Raises NotFound, and Refused unless it is ready."""
    return _ended(service, viewer, rerun_id, RerunState.DISCARDED, "cancel it while it runs")


def cancel(service: Service, viewer: Viewer, rerun_id: str) -> Look:
    """End a running one: nothing more of it is graded. Raises NotFound, and Refused unless it runs."""
    return _ended(service, viewer, rerun_id, RerunState.CANCELLED, "only a running rerun can be")


def _select(service: Service, course: str, selection: Selection) -> list[Chosen]:
    return service.store.reruns.select(course, selection, limit=MOST + 1)


def _jobs(service: Service, rerun: Rerun, chosen: Sequence[Chosen]) -> list[Job]:
    """One job per submission: the same files are given the same seed, so each content is read once."""
    queue = the_spec(service, rerun.spec_digest).lab.queue
    seeds: dict[str, int] = {}
    for digest in {one.digest for one in chosen}:
        files = service.store.submissions.files(digest)
        assert files is not None, "a submission's files are kept with it"
        seeds[digest] = derive_seed(service.key, files, rerun.spec_digest)
    return [
        Job(
            id=new_id(), submission_id=one.submission_id, course=rerun.course, lab=rerun.lab, person_id=one.person_id,
            spec_digest=rerun.spec_digest, queue=queue, lane=Lane.BULK, seed=seeds[one.digest],
            max_attempts=service.rules.max_attempts, created_at=rerun.created_at, rerun_id=rerun.id,
        )
        for one in chosen
    ]  # fmt: skip


def _refuse_bounds(chosen: Sequence[Chosen]) -> None:
    if not chosen:
        raise Refused("no submission is like that, so there is nothing to grade again", "select fewer conditions")
    if len(chosen) > MOST:
        raise Refused(f"that selects more than {MOST:,} submissions", "select by section, test or verdict as well")


def _refuse_repeated(service: Service, course: str, selection: Selection, digest: str) -> None:
    """A button pressed twice, or two graders with one thought."""
    for other in service.store.reruns.page(course):
        if other.state is RerunState.RUNNING and (other.selection, other.spec_digest) == (selection, digest):
            raise Refused(f"the same rerun is under way: {other.id}, begun by {other.by}", "look at that one")


def _cannot(service: Service, rerun: Rerun, what: str, advice: str) -> Refused:
    now = service.store.reruns.get(rerun.id) or rerun
    return Refused(f"it is {now.state} and cannot be {what}", advice)


def _ended(service: Service, viewer: Viewer, rerun_id: str, state: RerunState, advice: str) -> Look:
    rerun = visible_rerun(service, viewer, rerun_id)
    if not service.store.reruns.end(rerun.id, state, service.clock()):
        raise _cannot(service, rerun, str(state), advice)
    _note(service, viewer, rerun, f"rerun {state}", {"done": rerun.done, "submissions": rerun.items})
    return _told(service, viewer, rerun.id, service.store.reruns.items(rerun.id, limit=MOST))


def _told(service: Service, viewer: Viewer, rerun_id: str, changed: Sequence[Item]) -> Look:
    """As it is now, after whoever watches one of these jobs was woken."""
    for item in changed:
        service.changed(item.job_id)
    service.woken()
    return look(service, viewer, rerun_id)


def _moved(items: Sequence[Item]) -> dict[str, int]:
    found = Counter(direction(item) for item in items)
    return {"submissions": len(items), **{str(each): found[each] for each in Direction if found[each]}}


def _note(service: Service, viewer: Viewer, rerun: Rerun, action: str, detail: Mapping[str, object]) -> None:
    service.store.operations.note(viewer.person.login, rerun.course, action, rerun.id, detail, service.clock())
