"""A student reads one cause once, and the one to mend first comes first."""

import pytest

from grader.domain.diagnosis import Finding, diagnose, findings, first_cause
from grader.domain.errors import Fault
from grader.domain.lab import Lab
from grader.domain.measurements import Diagnosis
from grader.domain.report import Report, TestResult, Verdict


def failing(name: str, cause: str, verdict: Verdict = Verdict.FAILED) -> TestResult:
    """A test that failed with a diagnosis of its own."""
    return TestResult(name, verdict, diagnosis=Diagnosis(cause, f"hint {name}", f"text of {name}"))


def found(lab: Lab, *results: TestResult) -> list[Finding]:
    """The findings of a report in which every other test passed."""
    named = {result.name: result for result in results}
    return list(findings(Report(tuple(named.get(t.name, TestResult(t.name, Verdict.PASSED)) for t in lab.tests)), lab))


def test_nothing_is_found_where_everything_passed(lab: Lab) -> None:
    assert found(lab) == []
    assert first_cause(Report(tuple(TestResult(t.name, Verdict.PASSED) for t in lab.tests)), lab) is None


def test_a_file_that_does_not_import_is_told_once(lab: Lab) -> None:
    (only,) = found(lab, *[failing(test.name, "does-not-import") for test in lab.tests])
    assert only.tests == ("test_count", "test_total", "test_large")
    assert (only.points, only.fault, only.message, only.hint) == (
        10,
        Fault.STUDENT,
        "text of test_count",
        "hint test_count",
    )


def test_wrong_answers_need_not_have_one_cause(lab: Lab) -> None:
    results = found(lab, failing("test_total", "wrong-answer"), failing("test_count", "wrong-answer"))
    assert [finding.tests for finding in results] == [("test_count",), ("test_total",)]


def test_one_mistake_in_one_function_is_told_once(lab: Lab, manifest: str) -> None:
    same = Lab.from_toml(manifest.replace('function = "total"', 'function = "count"'), file="lab.toml")
    (only,) = found(same, failing("test_count", "off-by-one"), failing("test_total", "off-by-one"))
    assert only.tests == ("test_count", "test_total") and only.cause == "off-by-one"
    assert len(found(lab, failing("test_count", "off-by-one"), failing("test_total", "off-by-one"))) == 2


def test_what_the_student_can_mend_comes_before_what_is_ours(lab: Lab) -> None:
    first, second = found(lab, TestResult("test_count", Verdict.ERRORED), failing("test_total", "wrong-answer"))
    assert (first.tests, first.fault) == (("test_total",), Fault.STUDENT)
    assert (second.tests, second.fault) == (("test_count",), Fault.US)


def test_a_file_that_does_not_import_comes_first_and_a_stretch_test_last(lab: Lab) -> None:
    results = found(
        lab,
        failing("test_large", "slow"),
        failing("test_count", "wrong-answer"),
        failing("test_total", "does-not-import"),
    )
    assert [finding.tests[0] for finding in results] == ["test_total", "test_count", "test_large"]


@pytest.mark.parametrize(
    ("verdict", "says", "fault"),
    [
        (Verdict.FAILED, "no explanation", Fault.STUDENT),
        (Verdict.TIMED_OUT, "a loop that does not end", Fault.STUDENT),
        (Verdict.CRASHED, "the process that ran your code died", Fault.STUDENT),
        (Verdict.INCONCLUSIVE, "nothing says that your code is wrong", Fault.LAB_AUTHOR),
        (Verdict.ERRORED, "not your code's fault", Fault.US),
        (Verdict.MISSING, "left no result; that is not your code's fault", Fault.US),
    ],
)
def test_a_verdict_without_a_diagnosis_still_says_what_to_make_of_it(
    verdict: Verdict, says: str, fault: Fault, lab: Lab
) -> None:
    (only,) = found(lab, TestResult("test_count", verdict))
    assert says in only.message and only.fault is fault and only.cause == verdict


def test_missing_results_are_told_once(lab: Lab) -> None:
    (only,) = findings(Report(()), lab)
    assert only.tests == ("test_count", "test_total", "test_large")


def test_an_error_of_the_spec_keeps_its_text_for_whoever_mends_it(lab: Lab) -> None:
    (only,) = found(lab, failing("test_count", "errored", Verdict.ERRORED))
    assert only.message.startswith("this test could not be run") and only.message.endswith("text of test_count")


def test_every_test_that_did_not_pass_has_a_diagnosis() -> None:
    for verdict in Verdict:
        told = diagnose(TestResult("test_count", verdict))
        assert (told is None) == (verdict is Verdict.PASSED)
        assert told is None or (told.cause == verdict and told.message)
    assert diagnose(failing("test_count", "off-by-one")) == failing("test_count", "off-by-one").diagnosis
