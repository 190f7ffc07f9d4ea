"""course.toml: what it says, from where, and every problem of it at once."""

import re
from pathlib import Path

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.domain.course_rules import read_rules
from grader.domain.errors import BadManifest
from grader.domain.lab import Lab
from grader.domain.policy import Cap, Counts, CourseRules, Late, Policy

WHOLE = """\
timezone = "Europe/Berlin"
late_days = 5
freeze = 2026-12-01T18:00:00

[policy]
due = 2026-11-30T18:00:00
late_percent_per_day = 10
cap = { submissions = 10, hours = 6 }

[labs.lab-01-counting]
opens = 2026-11-01T08:00:00+01:00
closes = 2026-12-04T17:00:00Z
counts = "at_deadline"
late_most_percent = 50
hidden_until_due = ["test_total"]
groups = true
"""
DUE, OPENS, CLOSES, FREEZE = 1_796_058_000.0, 1_793_516_400.0, 1_796_403_600.0, 1_796_144_400.0


@pytest.fixture(scope="module")
def labs(lab: Lab, manifest: str) -> dict[str, Lab]:
    """Two labs of a course; the second has a policy of its own."""
    text = manifest.replace("lab-01-counting", "lab-02-own")
    own = Lab.from_toml(f'{text}\n[policy]\ncounts = "last"\nlate_percent_per_day = 25\n', file="lab.toml")
    return {lab.id: lab, own.id: own}


def problems(text: str, labs: dict[str, Lab]) -> list[str]:
    with pytest.raises(BadManifest) as error:
        read_rules(text, labs)
    assert error.value.file == "course.toml"
    return [str(problem) for problem in error.value.problems]


def test_all_of_it(labs: dict[str, Lab]) -> None:
    rules = read_rules(WHOLE, labs)
    assert (rules.timezone, rules.late_days, rules.frozen_at) == ("Europe/Berlin", 5, FREEZE)
    assert rules.of("lab-01-counting") == Policy(
        OPENS, DUE, CLOSES, Counts.AT_DEADLINE, Late(10, 50), Cap(10, 21_600.0), ("test_total",), True
    )
    assert rules.default == Policy(due_at=DUE, late=Late(10), cap=Cap(10, 21_600.0))
    assert rules.of("a lab of next year") == rules.default


def test_without_a_file_there_are_no_rules_but_those_of_labs(labs: dict[str, Lab]) -> None:
    rules = read_rules("", labs)
    assert rules == CourseRules(labs=(("lab-01-counting", Policy()), ("lab-02-own", Policy(counts=Counts.LAST,
                                                                                          late=Late(25)))))  # fmt: skip


def test_what_course_toml_says_comes_before_lab_toml_key_by_key(labs: dict[str, Lab]) -> None:
    own = read_rules(WHOLE, labs).of("lab-02-own")
    assert (own.counts, own.late.percent) == (Counts.LAST, 10)
    closer = read_rules(f'{WHOLE}\n[labs.lab-02-own]\ncounts = "best"\nlate_percent_per_day = 0', labs)
    assert (closer.of("lab-02-own").counts, closer.of("lab-02-own").late.percent) == (Counts.BEST, 0)


def test_everything_wrong_is_told_at_once(labs: dict[str, Lab]) -> None:
    text = """\
timezone = "Europe/Berln"
late_days = -1
freze = 1
[policy]
due = 2026-12-01
counts = "worst"
cap = { hours = 0, per = "day" }
groups = 1
[labs.lab-09]
[labs.lab-01-counting]
hidden_until_due = ["test_totals"]
late_most_percent = 101
"""
    told = problems(text, labs)
    assert told == [
        "timezone: expected the name of a time zone such as Europe/Berlin, found 'Europe/Berln'",
        "policy.due: expected a date with a time such as 2026-12-01T18:00:00, found 2026-12-01",
        'policy.counts: expected "best" or "last" or "at_deadline", found \'worst\'',
        "policy.cap.submissions: expected a whole number from 1 to 10000, found nothing",
        "policy.cap.hours: expected a number above 0 and at most 8784, found 0",
        "policy.cap.per: unknown key; known here are hours, submissions",
        "policy.groups: expected true or false, found 1",
        "labs.lab-09: expected one of the course's labs (lab-01-counting, lab-02-own), found 'lab-09'",
        "labs.lab-01-counting.late_most_percent: expected a whole number from 0 to 100, found 101",
        "labs.lab-01-counting.hidden_until_due: expected tests that there are (test_count, test_large, test_total), "
        "found 'test_totals'",
        "late_days: expected a whole number from 0 to 366, found -1",
        "freze: unknown key; did you mean freeze?",
    ]


@pytest.mark.parametrize("zone", ["", "Europe", "../etc/passwd", "/etc/localtime", "Mars/Olympus", "a\\u0000b", " "])
def test_no_zone_but_a_real_one(labs: dict[str, Lab], zone: str) -> None:
    [told] = problems(f'timezone = "{zone}"', labs)
    assert told.startswith("timezone: expected the name of a time zone such as ")


@pytest.mark.parametrize("text", ["x =", "[policy", "\x00", "a = " + "[" * 5000])
def test_what_is_no_toml_is_one_problem(labs: dict[str, Lab], text: str) -> None:
    [told] = problems(text, labs)
    assert told.startswith("this is not TOML")


@pytest.mark.parametrize("due", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "18:00:00", '"soon"', "1796058000"])
def test_no_time_but_one_of_our_age(labs: dict[str, Lab], due: str) -> None:
    [told] = problems(f"[policy]\ndue = {due}", labs)
    assert told.startswith("policy.due: expected a date with a time such as 2026-12-01T18:00:00, found ")


def test_times_out_of_order_are_told_where_the_later_is_said(labs: dict[str, Lab]) -> None:
    text = """\
[policy]
closes = 2026-12-01T18:00:00
[labs.lab-01-counting]
opens = 2026-12-01T18:00:00
[labs.lab-02-own]
due = 2026-12-01T18:00:01
"""
    assert problems(text, labs) == [
        "policy.closes: expected a time after labs.lab-01-counting.opens, found 2026-12-01 18:00:00",
        "policy.closes: expected a time after labs.lab-02-own.due, found 2026-12-01 18:00:00",
    ]


def test_hidden_tests_need_a_due_time_and_leave_points_to_see(labs: dict[str, Lab]) -> None:
    assert problems('[labs.lab-01-counting]\nhidden_until_due = ["test_total"]', labs) == [
        "labs.lab-01-counting.hidden_until_due: expected a due time of lab-01-counting, until which they are hidden, "
        "found nothing"
    ]
    text = '[policy]\ndue = 2026-12-01T18:00:00\n[labs.lab-02-own]\nhidden_until_due = ["test_total", "test_count"]'
    assert problems(text, labs) == [
        "labs.lab-02-own.hidden_until_due: expected a test of lab-02-own with points to be left for students, "
        "found a list of 2"
    ]


def test_a_lab_may_have_rules_and_they_are_checked_with_it(manifest: str) -> None:
    with pytest.raises(BadManifest) as error:
        Lab.from_toml(f'{manifest}\n[policy]\ndue = 3\nhidden_until_due = ["test_x"]\nlate = 1', file="lab.toml")
    assert [problem.key for problem in error.value.problems] == ["policy.due", "policy.hidden_until_due", "policy.late"]


def test_a_labs_local_time_is_read_in_the_courses_zone(manifest: str) -> None:
    own = Lab.from_toml(f"{manifest}\n[policy]\ndue = 2026-03-29T02:30:00\n", file="lab.toml")
    assert read_rules("", {own.id: own}).of(own.id).due_at == 1_774_751_400.0
    assert problems('timezone = "Europe/Berlin"', {own.id: own}) == [
        "lab-01-counting/lab.toml: policy.due: expected a time that there is (in Europe/Berlin the clocks skip this "
        "one), found 2026-03-29 02:30:00"
    ]
    assert read_rules('timezone = "Asia/Tokyo"', {own.id: own}).of(own.id).due_at == 1_774_719_000.0


def test_the_example_beside_the_labs_changes_nothing_and_holds_with_every_line_in_it() -> None:
    shelf = CourseFolder(Path(__file__).parents[2] / "labs")
    labs = {name: shelf.find(name).lab for name in shelf.labs()}
    text = shelf.rules()
    assert {policy for _, policy in read_rules(text, labs).labs} == {Policy()}
    rules = read_rules(re.sub(r"(?m)^# (?=\[|\w+ = )", "", text), labs)
    lab = rules.of("lab-01-ngram-spec-decode")
    assert (rules.late_days, rules.timezone, lab.groups, lab.cap) == (5, "Europe/Berlin", True, Cap(10, 86_400.0))
    assert lab.hidden and lab.opens_at and lab.due_at and lab.closes_at
