"""A lab over its class, for graders: what its tests say, why students fail, how close they are, and the service."""

from collections.abc import Iterator, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from grader.domain.exports import Cell, Column, Table
from grader.domain.insight import Group, TestInsight
from grader.domain.standings import Marks
from grader.steps.insight import Insights, Seen, every_mark, some_marks
from grader.web.access import SignedIn, TheService
from grader.web.pages.forms import Name
from grader.web.pages.insight_pictures import heat_map, margin_words, margins
from grader.web.pages.kept import Kept
from grader.web.pages.rendering import render
from grader.web.pages.showing import PAGE, shown, the_course
from grader.web.pages.tables import Format, answer, columns
from grader.web.pages.tending import Panels
from grader.web.pages.wording import VERDICTS

router = APIRouter(include_in_schema=False)
#: Students of a group that are named; groups that have a card, and a line; the rest is in the files.
NAMED = 60
GROUPS, SMALLER = 12, 100
MOST_PAGES = 2_000
What = Annotated[str, Query(pattern="^(students|tests|groups)$", description="which of the page's tables")]


@router.get("/c/{course}/labs/{lab}/insight")
def insight_page(
    course: Name, lab: Name, request: Request, service: TheService, viewer: SignedIn,
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1, format: Format = "", table: What = "students",
) -> Response:  # fmt: skip
    """All of it; its tables also as files. Names are as they were when a standing changed last."""
    found = the_course(service, viewer, course)
    insights: Insights = request.app.state.insights
    seen = insights.of(service, viewer, course, lab)
    if format:
        marks = every_mark(service, viewer, course, seen.listed.id) if table == "students" else []
        return answer(_table(seen, table, marks), format)
    kept: Kept = request.app.state.kept
    panels: Panels = request.app.state.panels
    offset = (page - 1) * PAGE
    listed = max(0, min(PAGE, seen.insight.students - offset))

    def heat() -> Markup:
        rows = some_marks(service, viewer, course, seen.listed.id, offset=offset, limit=PAGE)
        return heat_map(course, seen.lab, rows)

    key = ("insight", course, seen.listed.id, seen.revision, seen.listed.spec_digest)
    return shown(
        request, "insight.html", viewer, course=found, lab=seen.lab, seen=seen, health=panels.of(service, course),
        over=kept.of(key, lambda: _over(course, seen)), heat=kept.of((*key, page), heat),
        listed=listed, first=offset + 1, last=offset + listed, earlier=page - 1,
        more=page + 1 if page * PAGE < seen.insight.students else 0, signs=list(VERDICTS.values()),
    )  # fmt: skip


def _over(course: str, seen: Seen) -> Markup:
    """What is the same until a standing changes."""
    drawn = [(test, margins(test.margins), margin_words(test.margins)) for test in seen.insight.tests if test.margins]
    groups = [(group, list(_links(course, seen, group))) for group in seen.insight.groups[: GROUPS + SMALLER]]
    told = {
        "course": course,
        "seen": seen,
        "insight": seen.insight,
        "margins": drawn,
        "groups": groups[:GROUPS],
        "smaller": groups[GROUPS:],
        "unlisted": len(seen.insight.groups) - len(groups),
        "named": NAMED,
        "numbers": {test.name: number for number, test in enumerate(seen.lab.tests, 1)},
        "verdicts": {str(verdict): words for verdict, words in VERDICTS.items()},
    }
    return Markup(render("_insight_class.html", **told))


def _links(course: str, seen: Seen, group: Group) -> Iterator[tuple[str, int]]:
    """The form of a rerun of just these, one per cause as it was told."""
    for cause, count in group.causes[:3]:
        asked = {"lab": seen.listed.id, "test": group.tests[0], "cause": cause, "verdict": group.verdict}
        yield f"/c/{course}/reruns/new?{urlencode({k: v for k, v in asked.items() if v})}", count


def _table(seen: Seen, what: str, marks: Sequence[Marks]) -> Table:
    name = f"{seen.listed.course}-{seen.listed.id}-{what}"
    if what == "tests":
        heads = columns(
            test="Test", claim="Claim", points="Points", passed="Passed", share="Pass share", difficulty="Difficulty",
            discrimination="Discrimination", median_s="Median seconds to first pass",
        )  # fmt: skip
        return Table(name, heads, tuple(_test_cells(test) for test in seen.insight.tests))
    if what == "groups":
        heads = columns(
            cause="Cause", verdict="Verdict", tests="Tests", login="Login", name="Name", submission="Submission"
        )
        rows = (
            (group.cause, group.verdict, " ".join(group.tests), one.login, one.name, one.submission_id)
            for group in seen.insight.groups
            for one in group.people
        )
        return Table(name, heads, tuple(rows))
    heads = (*columns(login="Login", name="Name", section="Section", points="Points", submission="Submission"),
             *(Column(test.name, test.name) for test in seen.lab.tests))  # fmt: skip
    return Table(name, heads, tuple(_student_cells(seen, one) for one in marks))


def _test_cells(one: TestInsight) -> tuple[Cell, ...]:
    told = (one.passed, one.share, one.difficulty, one.discrimination, one.median_s)
    return one.test.name, one.test.claim, one.test.points, *told


def _student_cells(seen: Seen, one: Marks) -> tuple[Cell, ...]:
    ended = {mark.test: mark.verdict for mark in one.tests}
    return (
        one.login,
        one.name,
        one.section,
        one.points,
        one.submission_id,
        *(ended.get(test.name) for test in seen.lab.tests),
    )
