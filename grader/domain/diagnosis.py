"""What a student should read first: tests that fail for the same reason are told once, in the order of the lab."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from grader.domain.errors import Fault
from grader.domain.lab import Lab, TestSpec
from grader.domain.measurements import Diagnosis
from grader.domain.report import Report, TestResult, Verdict

#: Concerns the file as a whole, so every test says the same and nothing else matters yet.
WHOLE_FILE = ("does-not-import",)
#: Says that an answer is wrong, not why: two tests with it need not have anything in common.
UNSPECIFIC = ("", "wrong-answer", "failed", "inconclusive")
#: Verdicts that say nothing about the submission, so they are told once for all tests.
OURS = (Verdict.ERRORED, Verdict.MISSING)

#: labkit's rows of what to do next, and how wide its rows are.
_NEXT_ROWS = (" Try ", " Replay ", " Hint ")
_ROW_WIDTH = 78

_SENTENCES = {
    Verdict.FAILED: "this test failed and left no explanation",
    Verdict.TIMED_OUT: "your code gave no answer in the time this test has: look for a loop that does not end",
    Verdict.CRASHED: "the process that ran your code died: look for memory, recursion, or a call that ends the process",
    Verdict.INCONCLUSIVE: "the draws did not settle this check: no points, and nothing says that your code is wrong",
    Verdict.ERRORED: "this test could not be run; that is not your code's fault but ours or the lab's",
    Verdict.MISSING: "this test left no result; that is not your code's fault but ours or the lab's",
}
_FAULTS = {
    Verdict.INCONCLUSIVE: Fault.LAB_AUTHOR,  # the draws or the budget are too few
    Verdict.ERRORED: Fault.US,
    Verdict.MISSING: Fault.US,
}


@dataclass(frozen=True)
class Finding:
    """One cause and the tests that fail by it; `points` is what they are worth together.

    `message` is the text of the first of them; `hint` the command that shows the hint, or empty.
    """

    tests: tuple[str, ...]
    points: int
    verdict: Verdict
    fault: Fault
    cause: str
    message: str
    hint: str


def diagnose(result: TestResult) -> Diagnosis | None:
    """What the report says of one test, or a sentence by its verdict; None for a test that passed.

    Where the course's own solution was run beside it, the text says what that showed.
    """
    if result.verdict is Verdict.PASSED:
        return None
    told = _told(result)
    if result.attribution is None or not result.attribution.sentence:
        return told
    return replace(told, message=_beside(told.message, result.attribution.sentence))


def _told(result: TestResult) -> Diagnosis:
    told = result.diagnosis
    if told is not None and told.message and result.verdict not in OURS:
        return told
    cause = told.cause if told is not None and told.cause else str(result.verdict)
    message = "\n".join(filter(None, [_SENTENCES[result.verdict], told.message if told is not None else ""]))
    return Diagnosis(cause, told.hint if told is not None else "", message)


def _beside(message: str, sentence: str) -> str:
    """`message` with one more sentence: a row of its own where the text has labkit's rows, before what to do next."""
    lines = message.splitlines()
    if not message.startswith("["):
        return "\n".join([*lines, sentence])
    row = textwrap.wrap(sentence, _ROW_WIDTH, initial_indent=" Reference : ", subsequent_indent=13 * " ")
    at = next((i for i, text in enumerate(lines) if text.startswith(_NEXT_ROWS)), len(lines))
    return "\n".join([*lines[:at], *row, *lines[at:]])


def findings(report: Report, lab: Lab) -> tuple[Finding, ...]:
    """Every test that did not pass, in groups by cause; first what stops everything, then the lab's own order.

    What is not the student's to mend comes after what is, and stretch tests come last.
    """
    groups: dict[object, list[TestSpec]] = {}
    for test in sorted(lab.tests, key=lambda test: test.stage or 0):
        result = report.of(test.name)
        if result.verdict is not Verdict.PASSED:
            groups.setdefault(_group(test, result), []).append(test)
    found = [(_finding(tests, report), all(test.stretch for test in tests)) for tests in groups.values()]
    return tuple(finding for finding, stretch in sorted(found, key=lambda pair: _turn(*pair)))


def first_cause(report: Report, lab: Lab) -> Finding | None:
    """The one thing to read and mend first; None where every test passed."""
    return next(iter(findings(report, lab)), None)


def _group(test: TestSpec, result: TestResult) -> object:
    """Equal for tests that are told as one."""
    diagnosis = result.diagnosis
    if result.verdict in OURS:
        return result.verdict, _fault(result)
    if diagnosis is None:
        return result.verdict, test.function
    if diagnosis.cause in WHOLE_FILE:
        return diagnosis.cause
    if diagnosis.cause in UNSPECIFIC or test.function is None:
        return test.name
    return result.verdict, diagnosis.cause, test.function


def _finding(tests: Sequence[TestSpec], report: Report) -> Finding:
    result = report.of(tests[0].name)
    diagnosis = diagnose(result)
    assert diagnosis is not None, "only tests that did not pass are grouped"
    return Finding(
        tests=tuple(test.name for test in tests),
        points=_points(tests),
        verdict=result.verdict,
        fault=_fault(result),
        cause=diagnosis.cause,
        message=diagnosis.message,
        hint=diagnosis.hint,
    )


def _fault(result: TestResult) -> Fault:
    return _FAULTS.get(result.verdict, Fault.STUDENT) if result.attribution is None else result.attribution.fault


def _points(tests: Iterable[TestSpec]) -> int:
    return sum(test.points for test in tests if not test.stretch)


def _turn(finding: Finding, stretch: bool) -> tuple[bool, bool, bool]:
    return finding.cause not in WHOLE_FILE, stretch, finding.fault is not Fault.STUDENT
