"""`git push` with the real git under the rules of a course: what is closed, late or hidden, as a student reads it."""

import re
import time
from collections.abc import Iterator

import pytest

from tests.courses.copies import LAB, answer
from tests.rules_of import DAY, course_toml
from tests.school import COURSE, School

pytestmark = pytest.mark.bubblewrap

ONE, TWO = f"{LAB}/starter.py", f"{LAB[:-1]}2/starter.py"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """toy-1 hides a test until tomorrow, toy-2 closed yesterday."""
    one = School(tmp_path_factory.mktemp("school"), ["amy", "bob", "cat"])
    rule(one, hidden(), course_toml("toy-2", closes=round(time.time()) - DAY))
    yield one
    assert one.grader.stop() == 0
    assert one.errors() == []


def hidden() -> str:
    return course_toml("toy-1", due=round(time.time()) + DAY, hidden_until_due='["test_total"]')


def rule(school: School, *tables: str) -> None:
    (school.folder / "course" / "course.toml").write_text("\n".join(tables), encoding="utf-8")
    assert "course.toml: these rules hold from now on" in school.grader.command("course", "sync", COURSE)


def test_a_closed_lab_alone_is_refused_with_its_closing_time(school: School) -> None:
    clone = school.clone("amy")
    clone.commit({TWO: answer(10, "a")})
    told = clone.push()
    assert told.code == 1, told.all
    assert re.search(r"toy-2 closed \d\d \w{3} \d{4}, \d\d:\d\d UTC: you handed nothing in", told.text)
    assert "ask your instructor if you need more time" in told.text


def test_an_open_lab_is_graded_though_a_closed_one_changed_too_and_a_hidden_test_is_not_told(school: School) -> None:
    clone = school.clone("bob")
    clone.commit({ONE: answer(6, "a"), TWO: answer(10, "a")})
    told = clone.push()
    assert told.code == 0, told.all
    assert told.moment("toy-2 closed") <= told.moment("toy-1: submission 1 accepted")
    assert "Not handed in; your commit is kept." in told.text
    assert "✓     6/6  double" in told.text
    assert re.search(r"A lab that is graded in no time: 6 of 6 points$", told.text, re.MULTILINE), told.all
    assert "1 test is hidden until" in told.text
    assert re.search(r"total\b|of 10\b|/4\b|/10\b", told.text.replace("in total", "")) is None, told.all
    assert [one["job"]["max_points"] for one in school.handed_in("bob")] == [6]
    clone.commit({ONE: answer(10, "b")})
    again = clone.push()
    assert "6 of 6 points, as before" in again.text, again.all
    assert "toy-2" not in again.text


def test_an_extension_opens_it_for_one_and_late_work_is_told(school: School) -> None:
    now = round(time.time())
    rule(school, hidden(), course_toml("toy-2", due=now - 3 * DAY, closes=now - DAY, late_percent_per_day=10))
    told = school.grader.command("course", "extend", COURSE, "toy-2", "cat", "--days", "2", "--note", "was ill")
    assert re.search(r"toy-2 is due .* UTC for cat", told)
    clone = school.clone("cat")
    clone.commit({TWO: answer(10, "a")})
    pushed = clone.push()
    assert pushed.code == 0, pushed.all
    assert "1 day late: −10 %." in pushed.text or "2 days late: −20 %." in pushed.text, pushed.all
    assert "10 of 10 points" in pushed.text
