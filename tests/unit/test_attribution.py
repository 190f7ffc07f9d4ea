"""Whose fault it is that a test ended as on a broken machine: every pair of what submission and solution did."""

import json
from dataclasses import replace
from typing import Any

import pytest

from grader.domain.attribution import (
    canary_of,
    costs_an_attempt,
    has_solution,
    noted,
    read_canary,
    rule,
    suspects,
    with_notes,
)
from grader.domain.diagnosis import diagnose, findings
from grader.domain.errors import Fault, UnreadableReport
from grader.domain.job import JobState
from grader.domain.lab import Lab
from grader.domain.measurements import Diagnosis
from grader.domain.report import MAX_REPORT_BYTES, NO_GUEST, Attribution, Report, TestResult, Verdict, read_report
from grader.domain.run import Assignment
from grader.domain.submission import Submission

PASSED, FAILED, ERRORED = Verdict.PASSED, Verdict.FAILED, Verdict.ERRORED
TIMED_OUT, CRASHED = Verdict.TIMED_OUT, Verdict.CRASHED
INCONCLUSIVE, MISSING = Verdict.INCONCLUSIVE, Verdict.MISSING
LIMIT = 10.0
FAST = 0.0234
GUESTLESS = Diagnosis(NO_GUEST, "", "the guest's sandbox did not answer twice in a row")


def ended(verdict: Verdict, used_s: float | None = FAST, name: str = "test_count", **more: Any) -> TestResult:
    """One test of a run."""
    return TestResult(name, verdict, duration_s=0.5, used_s=used_s, **more)


def of(lab: Lab, *results: TestResult) -> Report:
    """A report in which every other test passed."""
    named = {result.name: result for result in results}
    return Report(tuple(named.get(test.name, TestResult(test.name, PASSED)) for test in lab.tests))


def note(lab: Lab, mine: TestResult, theirs: TestResult | None) -> Attribution:
    """What is said of a test that gives nothing back."""
    ruling = rule(of(lab, mine), None if theirs is None else of(lab, theirs), lab, has_solution=True)
    assert ruling.given_back is None
    return ruling.notes[mine.name]


def given_back(lab: Lab, mine: TestResult, theirs: TestResult) -> tuple[Fault, str]:
    """Why the attempt counts for nothing."""
    ruling = rule(of(lab, mine), of(lab, theirs), lab, has_solution=True)
    assert ruling.given_back is not None
    return ruling.given_back


@pytest.mark.parametrize("verdict", [TIMED_OUT, CRASHED])
def test_what_the_solution_does_with_ease_is_the_students(lab: Lab, verdict: Verdict) -> None:
    found = note(lab, ended(verdict, LIMIT), ended(PASSED))
    assert found == Attribution(Fault.STUDENT, "the course's own solution ran this test on the same machine in 0.02 s")
    assert note(lab, ended(verdict, LIMIT), ended(PASSED, 0.0004)).sentence.endswith("in less than 0.01 s")
    assert note(lab, ended(verdict, LIMIT), ended(PASSED, None)).sentence.endswith("in 0.50 s")


@pytest.mark.parametrize("verdict", [FAILED, INCONCLUSIVE])
def test_a_solution_that_does_not_pass_is_told_but_clears_the_machine(lab: Lab, verdict: Verdict) -> None:
    found = note(lab, ended(CRASHED), ended(verdict))
    assert found.fault is Fault.STUDENT and "without passing it" in found.sentence


@pytest.mark.parametrize("mine", [TIMED_OUT, CRASHED, ERRORED, MISSING])
@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (ended(TIMED_OUT, LIMIT), "ran out of the 10 s of this test on the same machine too"),
        (ended(CRASHED), "died in this test on the same machine too"),
        (ended(ERRORED, None, diagnosis=GUESTLESS), "had no sandbox for the course's own solution either"),
    ],
)
def test_where_the_machine_fails_the_solution_too_the_attempt_is_given_back(
    lab: Lab, mine: Verdict, theirs: TestResult, words: str
) -> None:
    fault, problem = given_back(lab, ended(mine), theirs)
    assert fault is Fault.OPERATOR
    assert problem.startswith("test_count: ") and words in problem and problem.endswith("counts for nothing")


def test_a_solution_that_needs_more_than_half_the_time_was_too_slow(lab: Lab) -> None:
    fault, problem = given_back(lab, ended(TIMED_OUT, LIMIT), ended(PASSED, 5.01))
    assert fault is Fault.OPERATOR and "needed 5.01 of the 10 s" in problem
    assert note(lab, ended(TIMED_OUT, LIMIT), ended(PASSED, 5.0)).fault is Fault.STUDENT
    assert note(lab, ended(CRASHED), ended(PASSED, 9.0)).fault is Fault.STUDENT  # a crash has nothing to do with time


@pytest.mark.parametrize("used_s", [None, 0.0, 4.9])
def test_a_solution_that_was_not_given_its_time_shows_nothing(lab: Lab, used_s: float | None) -> None:
    found = note(lab, ended(TIMED_OUT, LIMIT), ended(TIMED_OUT, used_s))
    assert found.fault is Fault.STUDENT and "nothing more is known" in found.sentence


@pytest.mark.parametrize("theirs", [PASSED, FAILED, INCONCLUSIVE])
def test_a_spec_that_breaks_on_this_answer_alone_is_its_authors(lab: Lab, theirs: Verdict) -> None:
    found = note(lab, ended(ERRORED), ended(theirs))
    assert found.fault is Fault.LAB_AUTHOR and "breaks on your answer" in found.sentence


@pytest.mark.parametrize("theirs", [ERRORED, MISSING])
def test_a_spec_that_breaks_on_the_solution_too_is_its_authors(lab: Lab, theirs: Verdict) -> None:
    found = note(lab, ended(ERRORED), ended(theirs))
    assert found.fault is Fault.LAB_AUTHOR and "breaks on the course's own solution too" in found.sentence


@pytest.mark.parametrize("theirs", [PASSED, FAILED, INCONCLUSIVE, ERRORED])
@pytest.mark.parametrize("mine", [ended(MISSING, None), ended(ERRORED, None, diagnosis=GUESTLESS)])
def test_a_result_that_only_the_submission_lacks_is_ours(lab: Lab, mine: TestResult, theirs: Verdict) -> None:
    fault, problem = given_back(lab, mine, ended(theirs))
    assert fault is Fault.US and "there is no result" in problem


def test_a_test_that_leaves_no_result_for_anybody_is_its_authors(lab: Lab) -> None:
    assert note(lab, ended(MISSING), ended(MISSING)).fault is Fault.LAB_AUTHOR
    assert note(lab, ended(TIMED_OUT), ended(MISSING)).fault is Fault.STUDENT


def test_one_test_that_the_machine_failed_gives_the_whole_attempt_back(lab: Lab) -> None:
    mine = of(lab, ended(CRASHED), ended(TIMED_OUT, name="test_total"))
    theirs = of(lab, ended(PASSED), ended(TIMED_OUT, LIMIT, name="test_total"))
    ruling = rule(mine, theirs, lab, has_solution=True)
    assert ruling.given_back is not None and ruling.given_back[1].startswith("test_total: ")
    both = rule(mine, of(lab, ended(CRASHED), ended(CRASHED, name="test_total")), lab, has_solution=True)
    assert both.given_back is not None and "(1 more test likewise)" in both.given_back[1]


def test_a_stretch_test_gives_nothing_back(lab: Lab) -> None:
    slow = ended(TIMED_OUT, LIMIT, name="test_large")
    found = note(lab, slow, slow)
    assert found.fault is Fault.OPERATOR and "ran out of" in found.sentence


@pytest.mark.parametrize(("verdict", "fault"), [(TIMED_OUT, Fault.STUDENT), (CRASHED, Fault.STUDENT),
                                               (ERRORED, Fault.US), (MISSING, Fault.US)])  # fmt: skip
def test_without_a_canary_nothing_changes_but_is_said(lab: Lab, verdict: Verdict, fault: Fault) -> None:
    mine = of(lab, ended(verdict))
    for solution, words in ((False, "this lab is graded without one"), (True, "could not be run beside it")):
        ruling = rule(mine, None, lab, has_solution=solution)
        assert ruling.given_back is None and ruling.notes["test_count"].fault is fault
        assert words in ruling.notes["test_count"].sentence


def test_a_run_without_a_suspect_needs_no_canary(lab: Lab) -> None:
    names = [test.name for test in lab.tests]
    assert suspects(of(lab, ended(FAILED), ended(INCONCLUSIVE, name="test_total")), names) == ()
    assert suspects(of(lab, ended(CRASHED), ended(MISSING, name="test_total")), names) == ("test_count", "test_total")
    assert suspects(of(lab, ended(CRASHED), ended(MISSING, name="test_total")), names[1:]) == ("test_total",)
    assert suspects(Report(()), names) == ()  # nothing at all is ours without asking
    assert rule(of(lab), None, lab, has_solution=False).notes == {}


def test_the_canary_is_the_same_run_with_the_solution_handed_in(lab: Lab) -> None:
    bundle = {"p/lab/solution.py": b"the answer", "p/lab/test_lab.py": b"the spec"}
    mine = Assignment(lab, bundle, "p/lab", Submission({"starter.py": b"theirs"}), 7)
    canary = canary_of(mine, ("test_count",))
    assert canary is not None
    assert canary.submission.files == {"starter.py": b"the answer"}
    assert replace(canary, submission=mine.submission, tests=None) == mine
    assert canary_of(mine, ()) is None
    assert canary_of(replace(mine, bundle={}), ("test_count",)) is None
    joined = replace(lab, isolation="joined")
    assert not has_solution(joined, "p/lab", bundle)  # it would lie beside the submission there
    assert canary_of(replace(mine, lab=joined), ("test_count",)) is None


@pytest.mark.parametrize("body", [None, b"", b"[]", b"{}", b'{"tests": 1}'])
def test_a_canary_that_cannot_be_read_is_none(lab: Lab, body: bytes | None) -> None:
    assert read_canary(body, lab) is None


def report_of(verdict: str, text: str = "") -> dict[str, Any]:
    """A report as a judge writes it, in which one test ended so and the others passed."""
    passed = {phase: {"outcome": "passed", "duration": 0.1} for phase in ("setup", "call", "teardown")}
    told = [{"verdict": verdict}, {"diagnosis": {"cause": verdict, "hint": "", "message": text}}, {"used_s": 0.25}]
    first = {"nodeid": "test_lab.py::test_count", "outcome": "failed", **passed, "call": {"outcome": "failed"},
             "user_properties": told}  # fmt: skip
    others = [{"nodeid": f"test_lab.py::{n}", "outcome": "passed", **passed} for n in ("test_total", "test_large")]
    return {"tests": [first, *others]}


def test_the_notes_are_kept_with_the_report_and_told_in_the_diagnosis(lab: Lab) -> None:
    body = json.dumps(report_of("timed_out", "no answer")).encode() + b" \n"
    report = read_report(body, lab)
    assert report.of("test_count").used_s == 0.25
    ruling = rule(report, of(lab, ended(PASSED)), lab, has_solution=True)
    kept = read_report(noted(body, report, ruling), lab)
    assert kept == with_notes(report, ruling)
    told = diagnose(kept.of("test_count"))
    assert told is not None and told.cause == "timed_out"
    assert told.message == "no answer\nthe course's own solution ran this test on the same machine in 0.02 s"
    (finding,) = findings(kept, lab)
    assert finding.message == told.message and finding.fault is Fault.STUDENT


def test_a_report_without_suspects_is_kept_byte_for_byte(lab: Lab) -> None:
    body = json.dumps(report_of("failed")).encode()
    report = read_report(body, lab)
    assert noted(body, report, rule(report, None, lab, has_solution=True)) is body


@pytest.mark.parametrize("verdict", ["failed", "crashed"])
def test_what_a_report_says_of_its_own_faults_counts_for_nothing(lab: Lab, verdict: str) -> None:
    forged = {"test_count": {"fault": "us", "sentence": "honest"}, "test_total": {"fault": "operator", "sentence": "x"}}
    body = json.dumps(report_of(verdict) | {"attributed": forged}).encode()
    report = read_report(body, lab)
    ruling = rule(report, None, lab, has_solution=False)
    kept = read_report(noted(body, report, ruling), lab)
    assert kept == with_notes(report, ruling)
    assert kept.of("test_total").attribution is None
    assert (kept.of("test_count").attribution is None) == (verdict == "failed")


def test_a_report_that_the_notes_make_too_large_is_not_kept(lab: Lab) -> None:
    small = report_of("crashed")
    room = MAX_REPORT_BYTES - len(json.dumps(small | {"padding": ""}))
    body = json.dumps(small | {"padding": "x" * room}).encode()
    report = read_report(body, lab)
    with pytest.raises(UnreadableReport, match="too large"):
        noted(body, report, rule(report, None, lab, has_solution=True))


@pytest.mark.parametrize("wrong", [3, [], {"test_count": 3}, {"test_count": {"fault": "nobody", "sentence": "x"}},
                                   {"test_count": {"sentence": "x"}}])  # fmt: skip
def test_notes_of_another_shape_are_left_out(lab: Lab, wrong: object) -> None:
    report = read_report(json.dumps(report_of("crashed") | {"attributed": wrong}).encode(), lab)
    assert all(test.attribution is None for test in report.tests)


def test_the_sentence_is_a_row_before_what_to_do_next(lab: Lab) -> None:
    rows = [" Claim     : it counts", " Yours     : nothing", " Try       : again", " Hint      : h"]
    text = "\n".join(["[lab-01] test_count - 6 points", *rows])
    ran = Attribution(Fault.STUDENT, "the course's own solution ran this test on the same machine in 0.02 s")
    told = diagnose(replace(ended(TIMED_OUT), diagnosis=Diagnosis("timed-out", "h", text), attribution=ran))
    assert told is not None
    assert told.message.splitlines()[2:] == [
        " Yours     : nothing",
        " Reference : the course's own solution ran this test on the same machine in",
        "             0.02 s",
        " Try       : again",
        " Hint      : h",
    ]


def test_what_the_author_has_to_mend_is_told_as_theirs(lab: Lab) -> None:
    results = [ended(ERRORED, attribution=Attribution(Fault.LAB_AUTHOR, "it breaks on your answer"))]
    results.append(ended(ERRORED, name="test_total", attribution=Attribution(Fault.US, "nothing more is known")))
    first, second = findings(of(lab, *results), lab)
    assert (first.fault, second.fault) == (Fault.LAB_AUTHOR, Fault.US)
    assert first.message.endswith("\nit breaks on your answer")


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_job_that_is_not_over_costs_an_attempt_until_it_is(lab: Lab, state: JobState) -> None:
    assert costs_an_attempt(state, None, None, lab)


@pytest.mark.parametrize("state", [JobState.DEAD, JobState.CANCELLED, JobState.SUPERSEDED])
def test_what_never_came_to_a_result_costs_none(lab: Lab, state: JobState) -> None:
    assert not costs_an_attempt(state, Fault.US, None, lab)


@pytest.mark.parametrize("fault", list(Fault))
def test_a_run_that_failed_costs_one_only_through_the_student(lab: Lab, fault: Fault) -> None:
    assert costs_an_attempt(JobState.FAILED, fault, None, lab) == (fault is Fault.STUDENT)


@pytest.mark.parametrize(
    ("verdict", "costs"),
    [(PASSED, True), (FAILED, True), (TIMED_OUT, True), (CRASHED, True), (INCONCLUSIVE, False), (ERRORED, False),
     (MISSING, False)],
)  # fmt: skip
def test_a_result_costs_one_unless_a_required_test_was_not_settled(lab: Lab, verdict: Verdict, costs: bool) -> None:
    assert costs_an_attempt(JobState.GRADED, None, of(lab, ended(verdict)), lab) == costs
    assert costs_an_attempt(JobState.GRADED, None, of(lab, ended(verdict, name="test_large")), lab)
    assert costs_an_attempt(JobState.GRADED, None, None, lab)
