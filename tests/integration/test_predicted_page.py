"""What an engine measured reaches who may see it: the result's page, the lab's page, and no student before its time."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.steps import courses
from tests.courses.copies import LAB, toy_course
from tests.engine_reports import ANSWERED, SEALED, report
from tests.integration.site import Desk
from tests.integration.test_pages import words
from tests.marking import Class, grade
from tests.rules_of import DAY, course_toml

TESTS = ("test_double", "test_total")
LAB_PAGE = "/c/toy/labs/toy-1"
SEALED_AT = "Predictions sealed 25 Nov 2026, 11:02 UTC ."


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course whose lab is told every version of a file."""
    folder = toy_course(tmp_path / "course")
    manifest = folder / LAB / "lab.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("max_score", 'history = ["starter.py"]\nmax_score', 1), encoding="utf-8")
    one = Desk(tmp_path)
    courses.init_course(one.service, "toy", "Toys", str(folder))
    yield one
    one.store.close()


def hand_in(desk: Desk, body: bytes | None, note: str) -> str:
    """A submission of amy's, graded by that report; where it is shown."""
    desk.clock.passes(60)
    receipt = Class(desk.service).waiting(desk.people["amy"], note)
    if body is not None:
        grade(desk.service, receipt.job.id, body)
    return f"/submissions/{receipt.handin.id}"


def test_the_labs_page_says_when_predictions_were_sealed_by_the_newest_result(desk: Desk) -> None:
    amy = desk.browser("amy")
    assert "Predictions sealed" not in words(amy.get(LAB_PAGE))
    hand_in(desk, report(SEALED, *TESTS), "sealed")
    assert SEALED_AT in words(amy.get(LAB_PAGE))
    hand_in(desk, report(ANSWERED, *TESTS), "final")
    hand_in(desk, None, "not graded yet")
    told = words(amy.get(LAB_PAGE))
    assert SEALED_AT not in told and "closed 25 Nov 2026, 13:15 UTC ." in told
    assert "Predictions sealed" not in words(desk.browser("bob").get(LAB_PAGE))
    hand_in(desk, report({}, *TESTS), "nothing measured")
    assert "Predictions sealed" not in words(amy.get(LAB_PAGE))


def test_the_result_is_shown_to_its_owner_and_to_graders(desk: Desk) -> None:
    page = hand_in(desk, report(ANSWERED, *TESTS), "final")
    for login in ("amy", "gina"):
        assert "Predicted and measured" in words(desk.browser(login).get(page))
        told = desk.client(login).get(f"/api/v1{page}").json()["measured"]
        assert [one["name"] for one in told["predictions"]] == [one["name"] for one in ANSWERED["predictions"]]
        assert told["waterfall"]["baseline_ms"] == ANSWERED["waterfall"]["baseline_ms"]
    assert desk.browser("bob").get(page).status_code == 404


def test_what_a_hidden_test_left_is_hidden_with_it(desk: Desk) -> None:
    rules = course_toml(due=desk.clock() + DAY, hidden_until_due=f'["{TESTS[0]}"]', counts='"best"')
    assert desk.store.standings.put_rules("toy", rules)
    page = hand_in(desk, report(ANSWERED, *TESTS), "final")
    assert desk.client("amy").get(f"/api/v1{page}").json()["measured"] is None
    assert desk.client("gina").get(f"/api/v1{page}").json()["measured"] is not None
    for address in (page, LAB_PAGE):
        told = words(desk.browser("amy").get(address))
        assert re.search("predict|AMD EPYC", told, re.IGNORECASE) is None, address
    assert "Predicted and measured" in words(desk.browser("gina").get(page))
