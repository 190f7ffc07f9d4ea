"""What is left of a lab, a job and a live event for who may not see some tests; and the rules in words."""

import pytest

from grader.domain.hiding import NOTHING, Hidden, event_without, job_without, text_without, without, worth
from grader.domain.job import Job, Lane
from grader.domain.lab import Lab
from grader.domain.live import LiveEvent
from grader.domain.policy import Cap, Counts, Late, Policy
from grader.domain.policy_lines import Situation, distance, due_line, hidden_line, late_line, policy_lines, when

HIDDEN = ("test_total",)
DAY, HOUR = 86_400.0, 3_600.0
NOW = 1_796_058_000.0  # 30 Nov 2026, 18:00 in Berlin


def graded(points: int | None, problem: str = "") -> Job:
    max_points = None if points is None else 10
    return Job("j", "s", "c", "lab-01-counting", 1, "d", "cpu", Lane.INTERACTIVE, 7, 5, 0.0, problem=problem,
               points=points, max_points=max_points)  # fmt: skip


def test_a_lab_without_its_hidden_tests_is_one_that_never_had_them(lab: Lab) -> None:
    left = without(lab, HIDDEN)
    assert [test.name for test in left.tests] == ["test_count", "test_large"]
    assert (left.max_score, left.test("test_total"), left.test("test_total[3]")) == (6, None, None)
    assert without(lab, ()) is lab
    assert without(lab, ("test_of_another_spec",)) == lab
    assert worth(lab, ("test_total", "test_large")) == 4, "a stretch test has no points"


def test_a_jobs_sum_loses_what_the_hidden_tests_brought_and_could_bring(lab: Lab) -> None:
    for points, earned, left in ((10, 4, 6), (6, 0, 6), (4, 4, 0)):
        seen = job_without(graded(points), lab, HIDDEN, earned)
        assert (seen.points, seen.max_points) == (left, 6)
    assert job_without(graded(None), lab, HIDDEN, 0).points is None
    assert job_without(graded(10), lab, (), 0) == graded(10)
    assert job_without(graded(None, "test_total hangs"), lab, HIDDEN, 0).problem == "a hidden test hangs"


@pytest.mark.parametrize(
    ("kind", "data", "left"),
    [
        ("test", {"test": "test_total", "verdict": "passed"}, None),
        ("test", {"test": "test_total[x]", "verdict": "failed"}, None),
        ("test", {"test": "test_count", "points": 6, "max_points": 6}, {"test": "test_count", "points": 6 - 4,
                                                                       "max_points": 6 - 4}),
        ("collected", {"tests": 3}, {"tests": 2}),
        ("requeued", {"problem": "test_total died"}, {"problem": "a hidden test died"}),
        ("ended", {"state": "graded", "points": 10, "max_points": 10}, {"state": "graded", "points": 6,
                                                                        "max_points": 6}),
        ("ended", {"state": "failed", "points": None}, {"state": "failed", "points": None}),
    ],
)  # fmt: skip
def test_a_live_event_tells_nothing_of_a_hidden_test(
    lab: Lab, kind: str, data: dict[str, object], left: dict[str, object] | None
) -> None:
    seen = event_without(LiveEvent(3, kind, 1.0, data), lab, HIDDEN, 4)
    if kind == "test" and left is not None:
        left = data
    assert (None if seen is None else seen.data) == left
    assert event_without(LiveEvent(3, kind, 1.0, data), lab, (), 0) == LiveEvent(3, kind, 1.0, data)


def test_names_within_names_are_taken_out_whole() -> None:
    assert text_without("test_a_b and test_a", ("test_a", "test_a_b")) == "a hidden test and a hidden test"


def test_times_are_told_in_the_courses_own_zone() -> None:
    assert when(NOW, "Europe/Berlin") == "30 Nov 2026, 18:00 CET"
    assert when(NOW, "UTC") == "30 Nov 2026, 17:00 UTC"
    assert when(NOW - 150 * DAY, "Europe/Berlin") == "03 Jul 2026, 19:00 CEST"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "in less than a minute"), (119, "in 1 min"), (3 * HOUR - 1, "in 2 hours"), (47 * HOUR, "in 47 hours"),
     (71 * HOUR, "in 2 days"), (-1, "less than a minute ago"), (-5 * DAY, "5 days ago")],
)  # fmt: skip
def test_a_time_to_go_is_never_more_than_there_is(seconds: float, words: str) -> None:
    assert distance(NOW + seconds, NOW) == words


def test_late_work_is_told_what_it_costs() -> None:
    assert late_line(Late(10, 50), 0) == ""
    assert late_line(Late(10, 50), 1) == "1 day late: −10 %"
    assert late_line(Late(10, 50), 9) == "9 days late: −50 %"
    assert late_line(Late(10, 50), 2, 3) == "2 days late: −20 %, unless free late days cover it (3 left)"
    assert late_line(Late(), 2) == "2 days late, which costs no points"


def test_how_many_tests_are_hidden_until_when_is_told_and_no_more() -> None:
    assert hidden_line(NOTHING, "UTC") == ""
    told = hidden_line(Hidden(HIDDEN, NOW), "Europe/Berlin")
    assert told == "1 test is hidden until 30 Nov 2026, 18:00 CET: no points of it are in what you see"
    assert "2 tests are hidden" in hidden_line(Hidden(("test_a", "test_b"), NOW), "UTC")


def test_a_course_without_rules_says_nothing() -> None:
    assert policy_lines(Situation(Policy(), "UTC", NOW), NOTHING) == []
    assert due_line(Situation(Policy(), "UTC", NOW)) == ""


def test_a_labs_page_says_all_of_its_rules() -> None:
    policy = Policy(
        NOW - DAY, NOW + 3 * HOUR, NOW + 3 * DAY, Counts.AT_DEADLINE, Late(10, 50), Cap(3, 24 * HOUR), HIDDEN, True
    ).extended(2 * HOUR)
    taken = [NOW - 25 * HOUR, NOW - 23 * HOUR, NOW - HOUR, NOW]
    at = Situation(policy, "Europe/Berlin", NOW, 2 * HOUR, 5, 3, taken)
    assert dict(policy_lines(at, Hidden(HIDDEN, NOW + 5 * HOUR))) == {
        "Due": "30 Nov 2026, 23:00 CET (in 5 hours), with your extension of 2 hours",
        "Late": "each day begun after that costs 10 % of the points, at most 50 %; 3 of your 5 days without that cost "
        "are left",
        "Closes": "03 Dec 2026, 20:00 CET (in 3 days)",
        "Counts": "the newest that you hand in by the due time",
        "Attempts": "at most 3 within 24 hours; none left, the next from 30 Nov 2026, 19:00 CET (in 60 min)",
        "Together": "what one of your team hands in counts for all of you",
        "Hidden": "1 test is hidden until 30 Nov 2026, 23:00 CET: no points of it are in what you see",
    }
    assert dict(policy_lines(at, NOTHING, staff=True))["Hidden"] == "from students, until they are due: test_total"


def test_a_list_of_labs_says_what_comes_next() -> None:
    policy = Policy(NOW, NOW + DAY, NOW + 3 * DAY)
    told = [due_line(Situation(policy, "UTC", NOW + at * DAY)).split(",")[0] for at in (-1, 0.5, 2, 4)]
    assert told == ["opens 30 Nov 2026", "due 01 Dec 2026", "closes 03 Dec 2026", "closed 03 Dec 2026"]
    late = Situation(Policy(due_at=NOW), "UTC", NOW + 3 * DAY)
    assert due_line(late) == "was due 30 Nov 2026, 17:00 UTC (3 days ago)"
