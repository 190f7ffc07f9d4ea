"""Pushes to a forge under a course's rules: what counts is when the webhook came, and a commit says what is closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.domain.forge import StatusState
from tests.courses.copies import answer
from tests.integration.test_webhooks import FULL, HALF, School
from tests.rules_of import DAY, HOUR, course_toml


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    one = School(tmp_path)
    yield one
    one.close()


def rule(school: School, **policy: object) -> None:
    school.desk.store.standings.put_rules("toy", course_toml(**policy))


def test_a_push_after_the_lab_closed_is_told_beside_the_commit(school: School) -> None:
    rule(school, closes=school.desk.clock() + DAY)
    school.push(HALF)
    school.work()
    school.grade(6)
    school.desk.clock.passes(DAY)
    school.push(FULL)
    school.work()
    context, state, words = school.forge.shown()[-1]
    assert (context, state) == ("grader/toy-1", str(StatusState.ERROR))
    assert words.startswith("not accepted: toy-1 closed 13 Jan 1970, 13:46 UTC: your submission 1 counts")
    assert [state for state, _ in school.rows()] == ["fetched", "fetched"]
    assert school.handed_in() == ["github"]


def test_one_that_came_in_time_and_was_fetched_late_is_in_time(school: School) -> None:
    rule(school, due=school.desk.clock() + DAY, closes=school.desk.clock() + DAY, late_percent_per_day=50)
    school.push(FULL)
    came = school.desk.clock()
    school.desk.clock.passes(3 * DAY)
    school.work()
    [row] = school.desk.store.submissions.page("toy")
    assert row.handin.created_at == came
    assert row.job.created_at == school.desk.clock()


def test_an_attempt_too_many_is_told_beside_the_commit_and_not_handed_in_later(school: School) -> None:
    rule(school, cap="{ submissions = 1, hours = 2 }")
    school.push(HALF)
    school.work()
    school.push(FULL)
    school.work()
    school.desk.clock.passes(3 * HOUR)
    school.work()
    assert school.handed_in() == ["github"]
    assert school.forge.shown()[-1][2].startswith("not accepted: toy-1 takes 1 submission within 2 hours")
    school.push(answer(4, "c"))
    school.work()
    assert school.handed_in() == ["github", "github"]
