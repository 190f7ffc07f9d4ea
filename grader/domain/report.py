"""Reads the judge's report, pytest-json-report's JSON, trusting nothing in it but its being JSON.

Passed means: reported exactly once, and passed in setup, call and teardown. Whatever else a report says, or leaves
out, earns nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

from grader.domain.errors import Fault, UnreadableReport
from grader.domain.lab import Lab
from grader.domain.measured import Measured, read_measured
from grader.domain.measurements import CHECKS, Check, Diagnosis, Properties, line, message, number, read_properties

MAX_REPORT_BYTES = 8 * 1024 * 1024
LISTED_UNKNOWN = 50
LONGEST_STAGE_S = 1e6
#: The key of what the grader itself adds to a report that it keeps: see `attribution`.
ATTRIBUTED = "attributed"
#: The cause of a test for which no guest could be started.
NO_GUEST = "no-guest"
_STAGES = ("setup", "call", "teardown")
_ADVICE = "run it again; if that does not help, it is ours to mend"


class Verdict(StrEnum):
    """Of one test. Only the first earns points."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"


#: The worst of several cases is the test's: what certainly went wrong tells more than what could not be settled.
_BY_WEIGHT = (
    Verdict.PASSED,
    Verdict.MISSING,
    Verdict.INCONCLUSIVE,
    Verdict.ERRORED,
    Verdict.FAILED,
    Verdict.TIMED_OUT,
    Verdict.CRASHED,
)
#: What a judge may call an outcome that is not a pass; never a pass.
_REFINED = {str(verdict): verdict for verdict in Verdict if verdict not in (Verdict.PASSED, Verdict.MISSING)}


@dataclass(frozen=True)
class Attribution:
    """Whose fault it is that a test ended as on a broken machine, and the sentence that says how that is known."""

    fault: Fault
    sentence: str


@dataclass(frozen=True)
class TestResult:
    """One listed test: its verdict, the seconds of all its cases, and what it left behind. All text is clean.

    `used_s` is the wall time of the submission's code in its slowest case, from its first call to its last answer; None
    where it was never called. `share`: the part of its points that a test which passed earns, its worst case's.
    """

    __test__: ClassVar[bool] = False  # not a test class, whatever its name says

    name: str
    verdict: Verdict
    duration_s: float = 0.0
    diagnosis: Diagnosis | None = None
    checks: tuple[Check, ...] = ()
    output: str = ""
    used_s: float | None = None
    attribution: Attribution | None = None
    share: float = 1.0
    measured: Measured | None = None


@dataclass(frozen=True)
class Report:
    """One result per test the lab lists, in the lab's order. `unknown` names what else was reported, at most 50."""

    tests: tuple[TestResult, ...]
    unknown: tuple[str, ...] = ()

    def of(self, name: str) -> TestResult:
        """The result of the listed test `name`; missing if there is none."""
        return next((result for result in self.tests if result.name == name), TestResult(name, Verdict.MISSING))

    @property
    def measured(self) -> Measured | None:
        """What an engine measured, as the first test that says so tells it."""
        return next((result.measured for result in self.tests if result.measured is not None), None)


def read_report(text: bytes | None, lab: Lab) -> Report:
    """The results of `lab`'s tests from a report's JSON, None where the run left none. Raises UnreadableReport only."""
    cases: dict[str, dict[str, list[Mapping[str, Any]]]] = {test.name: {} for test in lab.tests}
    unknown: list[str] = []
    data = _loaded(text)
    for entry in _entries(data):
        node = entry["nodeid"]
        name = _own_name(node, lab)
        listed = lab.test(name) if name else None
        if listed is not None:
            cases[listed.name].setdefault(name, []).append(entry)
        elif len(unknown) < LISTED_UNKNOWN:
            unknown.append(line(node))
    notes = data.get(ATTRIBUTED)
    results = (_result(name, list(found.values())) for name, found in cases.items())
    return Report(tuple(replace(one, attribution=_attribution(notes, one.name)) for one in results), tuple(unknown))


def _loaded(text: bytes | None) -> dict[str, Any]:
    """The report as an object of JSON."""
    if text is None:
        raise UnreadableReport("the run left no report", _ADVICE)
    if len(text) > MAX_REPORT_BYTES:
        raise UnreadableReport(f"the report is larger than {MAX_REPORT_BYTES // 1024**2} MB", _ADVICE)
    try:
        data = json.loads(text.decode("utf-8"), parse_constant=lambda literal: None)  # NaN and Infinity are not JSON
    except (ValueError, RecursionError) as error:
        raise UnreadableReport(f"the report is not JSON: {line(str(error))}", _ADVICE) from None
    if not isinstance(data, dict):
        raise UnreadableReport("the report is not an object", _ADVICE)
    return data


def _entries(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `tests` of the report, each an object with a text as `nodeid`."""
    entries = data.get("tests")
    if not isinstance(entries, list):
        raise UnreadableReport("the report has no list of tests", _ADVICE)
    if not all(isinstance(entry, dict) and isinstance(entry.get("nodeid"), str) for entry in entries):
        raise UnreadableReport("the report lists something that is no test", _ADVICE)
    return entries


def _own_name(node: str, lab: Lab) -> str:
    """What follows the `::` of a node id of the lab's own spec file; empty for any other file."""
    file, _, name = node.partition("::")
    own = f"{lab.id}/{lab.spec}"
    return name if file in (lab.spec, own) or file.endswith(f"/{own}") else ""


def _result(name: str, cases: Sequence[Sequence[Mapping[str, Any]]]) -> TestResult:
    """The worst of a test's cases, with the time and the checks of all; missing where there is none."""
    results = [_case(name, entries) for entries in cases]
    if not results:
        return TestResult(name, Verdict.MISSING)
    worst = max(results, key=lambda result: _BY_WEIGHT.index(result.verdict))
    checks = tuple(check for result in results for check in result.checks)
    used_s = max((result.used_s for result in results if result.used_s is not None), default=None)
    seconds = sum(result.duration_s for result in results)
    share = min(result.share for result in results)
    return replace(worst, duration_s=seconds, checks=checks[:CHECKS], used_s=used_s, share=share)


def _case(name: str, entries: Sequence[Mapping[str, Any]]) -> TestResult:
    if len(entries) > 1:  # one of them is not the judge's
        twice = Diagnosis("reported-twice", "", f"{name} was reported twice, so neither result counts")
        return TestResult(name, Verdict.ERRORED, diagnosis=twice)
    stages = [_stage(entries[0], stage) for stage in _STAGES]
    properties = read_properties(entries[0].get("user_properties"))
    verdict = _verdict(entries[0].get("outcome"), [stage.get("outcome") for stage in stages], properties)
    seconds = (number(stage.get("duration")) for stage in stages)
    return TestResult(
        name=name,
        verdict=verdict,
        duration_s=sum(min(max(0.0, second), LONGEST_STAGE_S) for second in seconds if second is not None),
        diagnosis=None if verdict is Verdict.PASSED else properties.diagnosis or _from_traceback(verdict, stages),
        checks=properties.checks,
        output=properties.output,
        used_s=properties.used_s,
        share=properties.share,
        measured=read_measured(entries[0].get("user_properties")),
    )


def _stage(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    stage = entry.get(name)
    return stage if isinstance(stage, dict) else {}


def _attribution(notes: object, name: str) -> Attribution | None:
    note = notes.get(name) if isinstance(notes, dict) else None
    if not isinstance(note, dict) or note.get("fault") not in list(Fault):
        return None
    return Attribution(Fault(note["fault"]), line(note.get("sentence")))


def _verdict(outcome: object, stages: Sequence[object], properties: Properties) -> Verdict:
    """`outcome` is pytest's word for the whole test: it alone tells that a pass was not expected (xpassed)."""
    if outcome == "passed" and all(stage == "passed" for stage in stages):
        return Verdict.PASSED
    if "failed" not in stages and outcome not in ("failed", "error"):
        return Verdict.MISSING  # skipped, xfailed, xpassed, or cut short
    unrefined = Verdict.FAILED if stages[1] == "failed" else Verdict.ERRORED
    return _REFINED.get(properties.verdict, unrefined)


def _from_traceback(verdict: Verdict, stages: Sequence[Mapping[str, Any]]) -> Diagnosis | None:
    """For a spec that does not explain itself: pytest's own text of the first stage that failed."""
    text = next((message(stage.get("longrepr")) for stage in stages if stage.get("outcome") == "failed"), "")
    return Diagnosis(str(verdict), "", text) if text else None
