"""Whose fault it is that a test ended as tests end on a broken machine: timed out, crashed, errored, missing.

What decides is a canary: the course's own solution, run on those tests right after the submission, on the same machine
with the same limits and inputs. Where the solution fails there in such a way too, or needs more than half of the time
in which the submission timed out, the machine is to blame: the attempt is given back and costs the student nothing.

    the submission   the solution                        so
    timed out        timed out, crashed, got no sandbox  the operator's: given back
      or crashed     slower than half the limit          the operator's: given back (timed out only)
                     ended                               the student's, and the diagnosis says how fast it was
    errored          as above                            given back, or
                     ended, or errored too               the lab author's: scored as it is
    missing          as above                            given back, or
                     ended, or errored                   ours: given back
                     missing too                         the lab author's: scored as it is

A stretch test is worth no points, so it never gives an attempt back. Where nothing could be compared, nothing changes
but that the diagnosis says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.domain.errors import Fault, UnreadableReport
from grader.domain.job import ACTIVE, JobState
from grader.domain.lab import Lab
from grader.domain.report import (
    ATTRIBUTED,
    MAX_REPORT_BYTES,
    NO_GUEST,
    Attribution,
    Report,
    TestResult,
    Verdict,
    read_report,
)
from grader.domain.run import Assignment
from grader.domain.submission import Submission

SOLUTION = "solution.py"
#: What a machine that is slow, full or broken looks like in a report.
SUSPECT = (Verdict.TIMED_OUT, Verdict.CRASHED, Verdict.ERRORED, Verdict.MISSING)
#: A solution that needs more of the time limit than this leaves a correct submission too little room.
ROOM = 0.5
_ENDED = (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE)
_NOT_THE_STUDENTS = (Verdict.INCONCLUSIVE, Verdict.ERRORED, Verdict.MISSING)
_OWN = "the course's own solution"
_NO_SOLUTION = f"nobody ran {_OWN} beside it: this lab is graded without one"
_NO_CANARY = f"{_OWN} could not be run beside it, so nothing more is known"


@dataclass(frozen=True)
class Ruling:
    """What the canary shows of a run: a note for each suspect test, by name.

    `given_back` is set where the run must not count: whose fault that is, and why, in words.
    """

    notes: Mapping[str, Attribution]
    given_back: tuple[Fault, str] | None = None


@dataclass(frozen=True)
class _Word:
    """What is said of one test. `ours` gives the attempt back."""

    fault: Fault
    sentence: str
    ours: bool = False


def suspects(report: Report, chosen: Sequence[str]) -> tuple[str, ...]:
    """Those of the tests `chosen` that a canary should run; none where all are missing: that is ours without asking."""
    results = [report.of(name) for name in chosen]
    if all(result.verdict is Verdict.MISSING for result in results):
        return ()
    return tuple(result.name for result in results if result.verdict in SUSPECT)


def has_solution(lab: Lab, lab_path: str, bundle: Mapping[str, bytes]) -> bool:
    """Whether a canary can be run: a joined lab's bundle has no solution, which the submission could read there."""
    return lab.isolation == "split" and f"{lab_path}/{SOLUTION}" in bundle


def canary_of(assignment: Assignment, tests: tuple[str, ...]) -> Assignment | None:
    """The same run of those tests with the course's own solution handed in; None where the bundle has none.

    Nothing is measured once more: that is about an engine, which has words of its own for what went wrong.
    """
    tests = tuple(name for name in tests if not _is_measured(assignment.lab, name))
    if not tests or not has_solution(assignment.lab, assignment.lab_path, assignment.bundle):
        return None
    solution = assignment.bundle[f"{assignment.lab_path}/{SOLUTION}"]
    return replace(assignment, submission=Submission({assignment.lab.submission[0]: solution}), tests=tests)


def _is_measured(lab: Lab, name: str) -> bool:
    listed = lab.test(name)
    return listed is not None and listed.measured


def read_canary(body: bytes | None, lab: Lab) -> Report | None:
    """The canary's report; None where there is none, or none that can be read: then nothing is compared."""
    try:
        return None if body is None else read_report(body, lab)
    except UnreadableReport:
        return None


def rule(report: Report, canary: Report | None, lab: Lab, *, has_solution: bool) -> Ruling:
    """Decide by the canary's report, None where there is none. `lab` lists the tests that were run."""
    doubtful = suspects(report, [test.name for test in lab.tests])
    words = {name: _word(report.of(name), canary, lab.limits.test_seconds, has_solution) for name in doubtful}
    ours = {name: word for name, word in words.items() if word.ours and not _is_stretch(lab, name)}
    notes = {name: Attribution(word.fault, word.sentence) for name, word in words.items()}
    return Ruling(notes, _given_back(ours) if ours else None)


def with_notes(report: Report, ruling: Ruling) -> Report:
    """The report with what the canary shows, and nothing that it says of itself."""
    return replace(report, tests=tuple(replace(t, attribution=ruling.notes.get(t.name)) for t in report.tests))


def noted(body: bytes, report: Report, ruling: Ruling) -> bytes:
    """The report's JSON, which `report` was read from, as it is kept: with the notes, whatever it says of itself.

    Of two equal keys JSON's readers take the later one, so the notes go to its end. Raises UnreadableReport where the
    whole is too large to be read again.
    """
    if not ruling.notes and all(test.attribution is None for test in report.tests):
        return body
    notes = {name: {"fault": str(note.fault), "sentence": note.sentence} for name, note in ruling.notes.items()}
    kept = body.rstrip(b" \t\r\n").removesuffix(b"}") + f', "{ATTRIBUTED}": {json.dumps(notes)}}}'.encode("ascii")
    if len(kept) > MAX_REPORT_BYTES:
        raise UnreadableReport("the report is too large to be kept")
    return kept


def costs_an_attempt(state: JobState, fault: Fault | None, report: Report | None, lab: Lab) -> bool:
    """Whether a job counts where a course limits attempts.

    Nothing that is not the student's doing may cost one: not what ended without a result through a fault of ours, the
    operator's or the lab's, nor what was cancelled or superseded, nor a result in which a required test stayed
    inconclusive, errored or missing. A job that is not over counts until it is.
    """
    if state in ACTIVE:
        return True
    if state is JobState.FAILED:
        return fault is Fault.STUDENT
    if state is not JobState.GRADED:
        return False
    required = [test.name for test in lab.tests if not test.stretch]
    return report is None or all(report.of(name).verdict not in _NOT_THE_STUDENTS for name in required)


def _word(mine: TestResult, canary: Report | None, limit: float, has_solution: bool) -> _Word:
    if canary is None:
        return _Word(_unproven(mine), _NO_CANARY if has_solution else _NO_SOLUTION)
    theirs = canary.of(mine.name)
    return _the_machines(mine, theirs, limit) or _somebodys(mine, theirs)


def _the_machines(mine: TestResult, theirs: TestResult, limit: float) -> _Word | None:
    """Where the solution itself was let down by the machine; None where it was not."""
    room = ROOM * limit
    if theirs.verdict is Verdict.TIMED_OUT:
        if (theirs.used_s or 0.0) < room:
            return _Word(_unproven(mine), f"{_OWN} did not get its time on this machine, so nothing more is known")
        return _Word(Fault.OPERATOR, f"{_OWN} ran out of the {limit:g} s of this test on the same machine too", True)
    if theirs.verdict is Verdict.CRASHED:
        return _Word(Fault.OPERATOR, f"the process of {_OWN} died in this test on the same machine too", True)
    if _got_no_guest(theirs):
        return _Word(Fault.OPERATOR, f"the machine had no sandbox for {_OWN} either", True)
    if mine.verdict is Verdict.TIMED_OUT and _used(theirs) > room:
        took = f"{_OWN} needed {_used(theirs):.2f} of the {limit:g} s of this test on the same machine"
        return _Word(Fault.OPERATOR, f"{took}: that is too slow", True)
    return None


def _somebodys(mine: TestResult, theirs: TestResult) -> _Word:
    """Whose fault it is on a machine that is well."""
    ran = f"{_OWN} ran this test on the same machine in {_seconds(theirs)}"
    if mine.verdict is Verdict.MISSING or _got_no_guest(mine):
        if theirs.verdict is Verdict.MISSING:
            return _Word(Fault.LAB_AUTHOR, f"it leaves no result for {_OWN} either: its author has to mend that")
        return _Word(Fault.US, f"there is no result, although {_OWN} had one on the same machine right after", True)
    if mine.verdict is Verdict.ERRORED:
        if theirs.verdict in _ENDED:
            return _Word(Fault.LAB_AUTHOR, f"{ran}: the test breaks on your answer, and its author has to mend that")
        return _Word(Fault.LAB_AUTHOR, f"it breaks on {_OWN} too: its author has to mend that")
    if theirs.verdict is Verdict.PASSED:
        return _Word(Fault.STUDENT, ran)
    if theirs.verdict in _ENDED:
        return _Word(Fault.STUDENT, f"{ran}, though without passing it: tell the staff")
    return _Word(Fault.STUDENT, f"{_OWN} left no result for this test, so nothing more is known")


def _unproven(mine: TestResult) -> Fault:
    """Whose it is taken to be where nothing was compared."""
    return Fault.US if mine.verdict in (Verdict.ERRORED, Verdict.MISSING) else Fault.STUDENT


def _got_no_guest(result: TestResult) -> bool:
    told = result.diagnosis
    return result.verdict is Verdict.ERRORED and told is not None and told.cause == NO_GUEST


def _used(result: TestResult) -> float:
    """The seconds of the code under test; of the whole test where the judge did not measure that."""
    return result.duration_s if result.used_s is None else result.used_s


def _seconds(result: TestResult) -> str:
    seconds = _used(result)
    return f"{seconds:.2f} s" if seconds >= 0.01 else "less than 0.01 s"


def _is_stretch(lab: Lab, name: str) -> bool:
    listed = lab.test(name)
    return listed is not None and listed.stretch


def _given_back(ours: Mapping[str, _Word]) -> tuple[Fault, str]:
    """The first test's words stand for all: they have one machine in common."""
    name, word = next(iter(ours.items()))
    fault = Fault.OPERATOR if any(one.fault is Fault.OPERATOR for one in ours.values()) else Fault.US
    others = len(ours) - 1
    more = f" ({others} more test{'' if others == 1 else 's'} likewise)" if others else ""
    return fault, f"{name}: {word.sentence}{more}. So this run counts for nothing"
