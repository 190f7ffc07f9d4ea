"""Points follow from verdicts and nothing else."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.lab import Lab
from grader.domain.report import Report, TestResult, Verdict
from grader.domain.score import score


def report(**verdicts: Verdict) -> Report:
    """A report with these verdicts."""
    return Report(tuple(TestResult(name, verdict) for name, verdict in verdicts.items()))


def test_passing_everything_is_full_marks_without_the_stretch(lab: Lab) -> None:
    found = score(report(test_count=Verdict.PASSED, test_total=Verdict.PASSED), lab)
    assert (found.points, found.max_points) == (10, 10)
    assert dict(found.per_test) == {"test_count": 6, "test_total": 4, "test_large": 0}


def test_an_empty_report_scores_nothing(lab: Lab) -> None:
    assert score(Report(()), lab).points == 0


def test_a_stretch_test_never_counts_even_if_it_claims_points(lab: Lab) -> None:
    generous = dataclasses.replace(lab, tests=tuple(dataclasses.replace(t, points=50) for t in lab.tests if t.stretch))
    assert score(report(test_large=Verdict.PASSED), generous).points == 0


def test_a_score_never_leaves_its_bounds_even_if_the_points_do(lab: Lab) -> None:
    passed = report(test_count=Verdict.PASSED)
    for points, expected in ((50, 10), (-50, 0)):
        odd = dataclasses.replace(lab, tests=(dataclasses.replace(lab.tests[0], points=points),))
        assert score(passed, odd).points == expected


@pytest.mark.parametrize(("share", "worth"), [(1.0, 6), (0.75, 5), (0.4, 2), (0.25, 2), (0.05, 0), (0.0, 0)])
def test_a_pass_may_be_worth_a_share_rounded_half_up(lab: Lab, share: float, worth: int) -> None:
    part = Report((TestResult("test_count", Verdict.PASSED, share=share),))
    assert score(part, lab).points == worth
    assert score(Report((TestResult("test_count", Verdict.FAILED, share=share),)), lab).points == 0


@given(st.dictionaries(st.sampled_from(["test_count", "test_total", "test_large", "other"]), st.sampled_from(Verdict)))
def test_a_score_is_the_points_of_what_passed(lab: Lab, verdicts: dict[str, Verdict]) -> None:
    found = score(report(**verdicts), lab)
    worth = {"test_count": 6, "test_total": 4}
    assert found.points == sum(worth.get(name, 0) for name, verdict in verdicts.items() if verdict == "passed")
    assert 0 <= found.points <= found.max_points and isinstance(found.points, int)
