"""A lab over a class, against numbers worked out by hand."""

import math
from dataclasses import replace

import pytest

from grader.domain.insight import FEWEST, Insight, insight, normalised, point_biserial
from grader.domain.lab import Lab
from grader.domain.marks import TestMark
from grader.domain.standings import Marks
from tests.fakes import TOY

LAB = Lab.from_toml((TOY / "basics/labs/toy-1/lab.toml").read_text(encoding="utf-8"), file="lab.toml")
DOUBLE, TOTAL = (test.name for test in LAB.tests)


def mark(test: str, cause: str = "", margin: float | None = None, verdict: str = "failed") -> TestMark:
    return TestMark(test, verdict if cause else "passed", cause, margin)


def student(number: int, *marks: TestMark, solved: dict[str, float] | None = None) -> Marks:
    return Marks(number, f"s{number}", f"S {number}", "", f"id{number}", 0 if marks else None, marks, solved or {})


def both(*pairs: tuple[bool, bool]) -> Insight:
    """A class in which each student passes the two tests or not."""
    rows = [student(i, mark(DOUBLE, "" if a else "x"), mark(TOTAL, "" if b else "y")) for i, (a, b) in enumerate(pairs)]
    return insight(LAB, rows)


def test_shares_and_difficulties() -> None:
    found = both((True, True), (True, False), (True, False), (False, False))
    assert [(test.passed, test.share, test.difficulty) for test in found.tests] == [(3, 0.75, 0.25), (1, 0.25, 0.75)]
    assert found.tests[1].verdicts == {"passed": 1, "failed": 3}


def test_discrimination_is_the_correlation_with_the_other_tests() -> None:
    # 8 students; rest score of the first test is 4 or 0. Passing: 4 of them, of whom 3 pass the other; of the rest, 1.
    # M1 = 3, M0 = 1, s = 2, p = 1/2: r = (3 - 1) / 2 * 1/2 = 0.5
    found = both(*[(True, True)] * 3, (True, False), (False, True), *[(False, False)] * 3)
    assert LAB.tests[1].points == 4
    assert found.tests[0].discrimination == pytest.approx(0.5)
    # the same by the textbook's numbers: 10 students, 6 pass with scores 8 7 9 6 8 7 (mean 7.5), 4 fail with 5 6 4 5
    # (mean 5); s² = 445/10 - 6.5² = 2.25; r = 2.5 / 1.5 * √0.24
    passed = [True] * 6 + [False] * 4
    assert point_biserial(passed, [8, 7, 9, 6, 8, 7, 5, 6, 4, 5]) == pytest.approx(2.5 / 1.5 * math.sqrt(0.24))


def test_no_discrimination_where_it_would_say_nothing() -> None:
    assert point_biserial([True, False] * (FEWEST // 2 - 1), [1.0, 0.0] * (FEWEST // 2 - 1)) is None
    assert point_biserial([True] * FEWEST, list(range(FEWEST))) is None
    assert point_biserial([True, False] * FEWEST, [3.0] * 2 * FEWEST) is None


def test_the_median_time_is_of_who_solved_it() -> None:
    rows = [student(i, mark(DOUBLE), mark(TOTAL, "x"), solved={DOUBLE: s}) for i, s in enumerate((10.0, 400.0, 70.0))]
    found = insight(LAB, [*rows, student(9, mark(DOUBLE, "x"), mark(TOTAL, "x"))])
    assert (found.tests[0].median_s, found.tests[0].solvers) == (70.0, 3)
    assert (found.tests[1].median_s, found.tests[1].solvers) == (None, 0)


def test_who_has_no_score_counts_as_handed_in_alone() -> None:
    found = insight(LAB, [student(1), student(2, mark(DOUBLE), mark(TOTAL))])
    assert (found.students, found.scored, found.tests[0].share) == (2, 1, 1.0)
    nobody = insight(LAB, [])
    assert (nobody.tests[0].share, nobody.groups) == (None, ())


def test_failures_of_one_cause_are_one_group_with_its_students() -> None:
    rows = [
        student(1, mark(DOUBLE), mark(TOTAL, "off by 3 at index 17")),
        student(2, mark(DOUBLE), mark(TOTAL, "Off by 4 at index 2")),
        student(3, mark(DOUBLE), mark(TOTAL, "raises 'KeyError'")),
        student(4, mark(DOUBLE, "does-not-import"), mark(TOTAL, "does-not-import")),
        student(5, mark(DOUBLE), mark(TOTAL, "missing", verdict="missing")),
    ]
    first, second, third = insight(LAB, rows).groups
    assert ([one.login for one in first.people], first.cause) == (["s1", "s2"], "off by # at index #")
    assert dict(first.causes) == {"off by 3 at index 17": 1, "Off by 4 at index 2": 1}
    assert (second.tests, second.people[0].submission_id) == ((DOUBLE, TOTAL), "id4"), "tests that fail together"
    assert third.tests == (TOTAL,)


def test_causes_lose_what_differs_from_student_to_student() -> None:
    told = "KeyError: 'abc' at 0x7f00AA in /home/amy/x.py, 3.5e-7 > 1"
    assert normalised(told) == "keyerror: … at … in …, # > #"
    assert normalised("wrong-answer") == "wrong-answer"
    assert len(normalised("x" * 9999)) < 200


def test_margins_are_kept_and_unknown_tests_are_not_grouped() -> None:
    rows = [student(1, mark(DOUBLE, margin=0.5), mark("test_gone", "x")), student(2, mark(DOUBLE, "far", margin=9.0))]
    found = insight(LAB, rows)
    assert found.tests[0].margins == (0.5, 9.0)
    assert [group.tests for group in found.groups] == [(DOUBLE,)]
    assert insight(replace(LAB, tests=LAB.tests[:1]), rows).tests[0].passed == 1
