"""Puts pages together: what each needs around it, and the two that are shown from more than one place."""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from grader.domain.calibration_lines import chance_line, record_lines
from grader.domain.course import Course, Handed
from grader.domain.errors import GraderError
from grader.domain.hiding import without
from grader.domain.job import Ending, JobState
from grader.domain.live import MAX_EVENTS, LiveEvent
from grader.domain.people import CredentialKind, Role, Viewer
from grader.domain.placing import MAX_TOTAL_BYTES
from grader.domain.policy_lines import policy_lines
from grader.steps import access, notices, rules, viewing
from grader.steps.access import require
from grader.steps.calibrated import calibration_of
from grader.steps.courses import find_lab
from grader.steps.service import Service
from grader.steps.viewing import View
from grader.web.access import SESSION_COOKIE, csrf_token, service_of
from grader.web.errors import STATUS
from grader.web.pages import result, times
from grader.web.pages.predicted import moments, predicted
from grader.web.pages.rendering import render
from grader.web.pages.wording import VERDICTS, turn

PAGE = 50


def shown(request: Request, template: str, viewer: Viewer | None, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, with what every page needs. Pages hold what is somebody's own, so nothing keeps them."""
    csrf = csrf_token(request.cookies.get(SESSION_COOKIE, ""))
    told = notices.unseen(service_of(request), viewer) if viewer else ()
    text = render(template, **{"error": None, **context, "viewer": viewer, "csrf": csrf, "notices": told})
    return HTMLResponse(text.encode("utf-8", "replace"), status, headers={"Cache-Control": "no-store"})


def error_page(request: Request, error: GraderError, status: int) -> Response:
    """An error on a page of its own."""
    title = "Nothing here" if status == HTTPStatus.NOT_FOUND else "That did not work"
    return shown(request, "error.html", _perhaps_signed_in(request, status), status, error=error, title=title)


def _perhaps_signed_in(request: Request, status: int) -> Viewer | None:
    """Who the page is for, to put their name above it; nobody where the database may be what is broken."""
    session = request.cookies.get(SESSION_COOKIE, "")
    if not session or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return access.holder(service_of(request), session, CredentialKind.SESSION)


def status_of(error: GraderError) -> int:
    """The HTTP status that fits an error."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def the_course(service: Service, viewer: Viewer, course: str) -> Course:
    """The course, if `viewer` is in it. Raises NotAllowed."""
    require(viewer, course, Role.STUDENT)
    found = service.store.courses.course(course)
    assert found is not None, "whoever has a role in a course has it in one that exists"
    return found


def lab_shown(
    request: Request, service: Service, viewer: Viewer, course: str, lab: str, *, error: GraderError | None = None,
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """The lab's page, with what went wrong with an upload."""
    found = the_course(service, viewer, course)
    listed = find_lab(service, course, lab)
    whole = viewing.the_spec(service, listed.spec_digest)
    now = service.clock()
    shut = rules.hidden(service, viewer, course, listed.id, viewer.person.id)
    spec = without(whole.lab, shut.tests)
    known = calibration_of(whole, service.store.courses.calibration(course, listed.id))
    staff = viewer.may(course, Role.GRADER)
    mine = viewing.own(service, viewer, course, lab=listed.id, limit=PAGE)
    theirs = [row for row in mine if row.person.id == viewer.person.id]
    told = policy_lines(rules.situation(service, course, listed.id, viewer.person.id), shut, staff=staff)
    answered = viewing.measured(service, mine, shut) if spec.history else None
    return shown(
        request, "lab.html", viewer, status, course=found, lab=spec, mine=mine, trail_scores=trail_scores(theirs),
        stages=result.watched(spec, ()), most_bytes=MAX_TOTAL_BYTES, error=error, chance=chance_line(spec, known.holds),
        rules=told, worth=listed.max_score, not_now=rules.refusal(service, viewer, listed, now),
        together=len(theirs) < len(mine), sealing=moments(answered) if answered else (),
        doubts=known.doubts if staff else (), calibration=record_lines(known.record) if staff and known.record else (),
    )  # fmt: skip


def result_shown(
    request: Request, service: Service, viewer: Viewer, submission_id: str, *, job_id: str = "",
    duplicate: bool = False, error: GraderError | None = None, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """The result's page, of one of its jobs for graders, with what went wrong with a button of it."""
    view = viewing.view(service, viewer, submission_id, job_id)
    events = [] if view.job.state.final else service.store.jobs.events(view.job.id, limit=MAX_EVENTS)
    events = viewing.seen_events(service, view.job, events, view.hidden)
    context = result_context(view, viewer, events)
    moves = [] if job_id else notices.moves(service, viewer, submission_id)
    return shown(
        request, "result.html", viewer, status, duplicate=duplicate, error=error, moves=moves, chosen=bool(job_id),
        **context,
    )  # fmt: skip


def result_context(view: View, viewer: Viewer, events: Sequence[LiveEvent]) -> dict[str, Any]:
    """All that the result page shows."""
    live = not view.job.state.final
    cards = result.cards(view.lab, view.report, view.findings) if view.report else ()
    if view.report and view.score:
        stages = result.judged(view.lab, view.report, view.score, cards)
    else:
        stages = result.watched(view.lab, events)
    rows = [row for stage in stages for row in stage.rows]
    done = sum(row.kind != "wait" for row in rows)
    passed = sum(row.kind == "good" for row in rows)
    measured = view.report.measured if view.report else None
    newer = view.earlier[0] if view.earlier and view.earlier[0].handin.number > view.handin.number else None
    return {
        "time_bar": times.bar(view.stages),
        "times": times.rows(view.stages),
        "view": view,
        "own": view.person.id == viewer.person.id,
        "live": live,
        "live_words": _live_words(view),
        "live_status": f"{done} of {len(rows)} tests done, {passed} passed" if done else "",
        "live_share": 100 * done / max(1, len(rows)),
        "lost": any(attempt.ending in (Ending.LOST, Ending.GIVEN_BACK) for attempt in view.attempts),
        "after": events[-1].seq if events else 0,
        "cards": cards,
        "predicted": predicted(measured) if measured else None,
        "stages": stages,
        "tally": _tally(view),
        "newer": newer,
        "budget": budget(view) if viewer.may(view.handin.course, Role.GRADER) else "",
        "beyond_budget": view.programs > view.lab.rerolls,
        "trail_scores": trail_scores(view.earlier),
        "may_cancel": live and not view.job.cancel_requested,
        "may_rerun": not live and viewer.may(view.handin.course, Role.GRADER),
    }


def _live_words(view: View) -> str:
    if view.job.state is JobState.RUNNING:
        again = f", attempt {view.job.attempt}" if view.job.attempt > 1 else ""
        stopping = " It is being stopped, as was asked." if view.job.cancel_requested else ""
        return f"Running on {view.job.worker}{again}.{stopping}"
    return turn(view.place, view.job.queue)


def budget(view: View) -> str:
    """Which of a student's programs this is, of those among which the lab still keeps its promise."""
    covered = view.lab.rerolls
    if view.programs <= covered:
        return f"Program {view.programs} of the {covered} that this lab's error budget covers."
    return (
        f"This is program {view.programs} of theirs, and this lab's error budget covers {covered}. Each program draws "
        "anew, so that it passes a stochastic test says less than the lab promises: look at the code as well."
    )


def _tally(view: View) -> list[tuple[str, str, str, int]]:
    """(word, CSS class, mark, how many) of each verdict that occurs."""
    found = Counter(test.verdict for test in view.report.tests) if view.report else Counter()
    return [(word, kind, mark, found[v]) for v, (mark, word, kind) in VERDICTS.items() if found[v]]


def trail_scores(rows: Sequence[Handed]) -> list[tuple[int, float | None]]:
    """Share of the full score by submission number, oldest first; None where one has no score."""
    return [(row.handin.number, _share(row.job.points, row.job.max_points)) for row in reversed(rows)]


def _share(points: int | None, of: int | None) -> float | None:
    return points / of if points is not None and of else None
