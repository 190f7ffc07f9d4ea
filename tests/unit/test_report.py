"""The report is evidence, not a verdict: what it does not prove earns nothing."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.errors import Fault, UnreadableReport
from grader.domain.lab import Lab
from grader.domain.live import MOST_AHEAD, told
from grader.domain.measurements import OUTPUT_CHARACTERS, Check, Diagnosis
from grader.domain.report import LISTED_UNKNOWN, MAX_REPORT_BYTES, Report, TestResult, Verdict, read_report

SPEC = "phase-08/labs/lab-01-counting/test_lab.py"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def entry(
    name: str = "test_count",
    outcome: Any = PASSED,
    stages: tuple[Any, Any, Any] = (PASSED, PASSED, PASSED),
    *properties: Any,
    spec: str = SPEC,
) -> dict[str, Any]:
    """One test as pytest-json-report writes it; a stage of None is left out."""
    found: dict[str, Any] = {"nodeid": f"{spec}::{name}", "lineno": 1, "outcome": outcome}
    for stage, word in zip(("setup", "call", "teardown"), stages, strict=True):
        if word is not None:
            found[stage] = {"duration": 0.25, "outcome": word}
    if properties:
        found["user_properties"] = list(properties)
    return found


def failed(*properties: Any, name: str = "test_count") -> dict[str, Any]:
    """A test whose call failed."""
    return entry(name, FAILED, (PASSED, FAILED, PASSED), *properties)


def read(lab: Lab, *entries: Any) -> Report:
    """The report with these tests."""
    return read_report(json.dumps({"exitcode": 0, "summary": {}, "tests": entries}).encode(), lab)


def count(lab: Lab, *entries: Any) -> TestResult:
    """What such a report says of test_count."""
    return read(lab, *entries).of("test_count")


def test_passed_in_every_stage_is_passed(lab: Lab) -> None:
    result = count(lab, entry())
    assert (result.verdict, result.duration_s, result.diagnosis) == (Verdict.PASSED, 0.75, None)


def test_results_come_in_the_order_of_the_lab(lab: Lab) -> None:
    report = read(lab, entry("test_large"), entry("test_total"))
    assert [(test.name, str(test.verdict)) for test in report.tests] == [
        ("test_count", "missing"), ("test_total", "passed"), ("test_large", "passed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "stages", "verdict"),
    [
        (FAILED, (PASSED, FAILED, PASSED), Verdict.FAILED),
        (PASSED, (PASSED, FAILED, PASSED), Verdict.FAILED),
        (FAILED, (PASSED, FAILED, FAILED), Verdict.FAILED),
        ("error", (FAILED, None, PASSED), Verdict.ERRORED),
        ("error", (PASSED, PASSED, FAILED), Verdict.ERRORED),
        (FAILED, (PASSED, PASSED, PASSED), Verdict.ERRORED),
        (SKIPPED, (SKIPPED, None, PASSED), Verdict.MISSING),
        (SKIPPED, (PASSED, SKIPPED, PASSED), Verdict.MISSING),
        ("xfailed", (PASSED, SKIPPED, PASSED), Verdict.MISSING),
        ("xpassed", (PASSED, PASSED, PASSED), Verdict.MISSING),
        ("deselected", (None, None, None), Verdict.MISSING),
        (PASSED, (PASSED, PASSED, None), Verdict.MISSING),
        (PASSED, (None, None, None), Verdict.MISSING),
        (PASSED, ("PASSED", True, 1), Verdict.MISSING),
        ([PASSED], (PASSED, PASSED, PASSED), Verdict.MISSING),
        (None, (PASSED, [PASSED], {}), Verdict.MISSING),
    ],
)
def test_anything_short_of_a_pass_is_none(
    outcome: Any, stages: tuple[Any, Any, Any], verdict: Verdict, lab: Lab
) -> None:
    assert count(lab, entry("test_count", outcome, stages)).verdict is verdict


@pytest.mark.parametrize("verdict", ["failed", "errored", "timed_out", "crashed", "inconclusive"])
def test_the_judge_refines_what_did_not_pass(verdict: str, lab: Lab) -> None:
    assert count(lab, failed({"verdict": verdict})).verdict == verdict
    assert count(lab, failed(["verdict", verdict])).verdict == verdict
    assert count(lab, entry("test_count", "error", (FAILED, None, PASSED), {"verdict": verdict})).verdict == verdict


@pytest.mark.parametrize("word", ["passed", "missing", "PASSED", "", 1, None, ["failed"], {"a": 1}])
def test_no_word_of_the_judge_turns_a_failure_into_anything_better(word: Any, lab: Lab) -> None:
    assert count(lab, failed({"verdict": word})).verdict is Verdict.FAILED


def test_a_skip_stays_missing_whatever_the_judge_adds(lab: Lab) -> None:
    skipped = entry("test_count", SKIPPED, (PASSED, SKIPPED, PASSED), {"verdict": "failed"})
    assert count(lab, skipped).verdict is Verdict.MISSING


def test_the_first_verdict_and_diagnosis_count(lab: Lab) -> None:
    one, two = ({"cause": cause, "hint": "", "message": cause} for cause in ("one", "two"))
    result = count(lab, failed({"verdict": "crashed"}, {"diagnosis": one}, {"verdict": "failed"}, {"diagnosis": two}))
    assert result.verdict is Verdict.CRASHED
    assert result.diagnosis == Diagnosis("one", "", "one")


def test_a_test_takes_the_worst_of_its_cases(lab: Lab) -> None:
    cases = [
        entry("test_count[1]"),
        failed({"verdict": "inconclusive"}, name="test_count[2]"),
        entry("test_count[b-[]"),
    ]
    assert count(lab, *cases).verdict is Verdict.INCONCLUSIVE
    result = count(lab, *cases, failed({"check": {"name": "c"}}, name="test_count[3]"))
    assert result.verdict is Verdict.FAILED
    assert result.duration_s == pytest.approx(4 * 0.75) and len(result.checks) == 1
    assert count(lab, entry("test_count[1]"), entry("test_count[2]", SKIPPED)).verdict is Verdict.MISSING


def test_a_test_reported_twice_is_errored_even_if_it_passed_twice(lab: Lab) -> None:
    result = count(lab, entry(), entry())
    assert result.verdict is Verdict.ERRORED
    assert result.diagnosis is not None and "reported twice" in result.diagnosis.message
    assert count(lab, entry(), entry(spec="test_lab.py")).verdict is Verdict.ERRORED


@pytest.mark.parametrize("spec", [SPEC, "lab-01-counting/test_lab.py", "test_lab.py"])
def test_the_spec_counts_from_wherever_pytest_was_started(spec: str, lab: Lab) -> None:
    assert count(lab, entry(spec=spec)).verdict is Verdict.PASSED


@pytest.mark.parametrize("spec", ["phase-08/labs/lab-02/test_lab.py", "submission/test_lab.py", "x-test_lab.py", ""])
def test_tests_of_other_files_count_for_nothing_and_are_listed(spec: str, lab: Lab) -> None:
    report = read(lab, entry(spec=spec), entry("test_other\x1b[0m"))
    assert report.of("test_count").verdict is Verdict.MISSING
    assert report.unknown == (f"{spec}::test_count", f"{SPEC}::test_other")


def test_the_list_of_unknown_tests_is_bounded(lab: Lab) -> None:
    assert len(read(lab, *[entry(f"test_{i}") for i in range(200)]).unknown) == LISTED_UNKNOWN


def test_measurements_are_cleaned(lab: Lab) -> None:
    check = {"name": "law\x1b[0m\nof", "observed": float("nan"), "allowed": 3, "n": 2e4, "false_fail_rate": 1e-9,
             "detectable": ["x"], "sigmas": 10**400, "conclusive": "yes", "extra": 1}  # fmt: skip
    output = {"output": "a\x00\x1b[31m" + "b" * 20_000}
    result = count(
        lab, entry("test_count", PASSED, (PASSED,) * 3, {"check": check}, ["check", {}], output, {"check": 1})
    )
    assert result.checks == (Check("law of", None, 3.0, 20_000, 1e-9, "", None, None), Check(""))
    assert result.output.startswith("abb") and result.output.endswith("… 4,001 more characters")
    assert len(result.output) < OUTPUT_CHARACTERS + 50


def test_a_failure_without_a_diagnosis_shows_what_pytest_says(lab: Lab) -> None:
    test = failed()
    test["call"]["longrepr"] = "E   assert 1 == 2\x1b[0m"
    assert count(lab, test).diagnosis == Diagnosis("failed", "", "E   assert 1 == 2")
    assert count(lab, failed()).diagnosis is None


@pytest.mark.parametrize(
    "text",
    [
        None, b"", b"null", b"[]", b"{}", b'{"tests": null}', b'{"tests": {}}', b'{"tests": [1]}', b'{"tests": [{}]}',
        b'{"tests": [{"nodeid": 1}]}', b"\xff", b"[" * 1_000_000, b'{"a":' * 500_000,
        b'{"tests": [' + b"9" * 5000 + b"]}",
        b" " * (MAX_REPORT_BYTES + 1),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_no_report_is_ours_to_mend_and_run_again(text: bytes | None, lab: Lab) -> None:
    with pytest.raises(UnreadableReport) as caught:
        read_report(text, lab)
    assert caught.value.fault is Fault.US and caught.value.retried and caught.value.advice


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([PASSED, FAILED]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_PROPERTIES = st.lists(
    st.dictionaries(st.sampled_from(["verdict", "diagnosis", "check", "output"]), _JSON, max_size=2)
    | st.dictionaries(st.sampled_from(["check", "diagnosis"]),
                      st.dictionaries(st.sampled_from(["name", "n", "observed", "message", "cause"]), _JSON))
    | _JSON,
    max_size=3,
)  # fmt: skip
_STAGE = _JSON | st.fixed_dictionaries({"outcome": _JSON, "duration": _JSON, "longrepr": _JSON})
_ENTRY = _JSON | st.fixed_dictionaries(
    {"nodeid": st.sampled_from([f"{SPEC}::test_count", f"{SPEC}::test_count[\ud800]", "x", ""]), "outcome": _JSON},
    optional={"setup": _STAGE, "call": _STAGE, "teardown": _STAGE, "user_properties": _PROPERTIES},
)


@given(_JSON | st.fixed_dictionaries({"tests": st.lists(_ENTRY, max_size=3)}))
def test_any_json_is_read_or_refused_as_unreadable(lab: Lab, data: Any) -> None:
    try:
        report = read_report(json.dumps(data).encode(), lab)
    except UnreadableReport:
        return
    assert [test.name for test in report.tests] == [test.name for test in lab.tests]
    json.dumps([asdict(check) for test in report.tests for check in test.checks], allow_nan=False)


@given(st.binary(max_size=50))
def test_any_bytes_are_refused_as_unreadable(lab: Lab, data: bytes) -> None:
    with pytest.raises(UnreadableReport):
        read_report(data, lab)


@pytest.mark.parametrize(
    ("said", "share"),
    [((), 1.0), ((0.75,), 0.75), ((0.75, 0.5), 0.5), ((7,), 0.0), (("all",), 0.0), ((None,), 0.0), ((True,), 0.0)],
)
def test_a_share_is_what_the_report_says_and_nothing_where_it_makes_no_sense(
    said: tuple[Any, ...], share: float, lab: Lab
) -> None:
    properties = [{"share": value} for value in said]
    assert count(lab, entry("test_count", PASSED, (PASSED, PASSED, PASSED), *properties)).share == share


def test_of_several_cases_the_least_share_counts(lab: Lab) -> None:
    cases = [entry(f"test_count[{part}]", PASSED, (PASSED,) * 3, {"share": part}) for part in (1, 0.25, 0.5)]
    assert count(lab, *cases).share == 0.25


def test_watchers_see_the_share_at_once(lab: Lab) -> None:
    event = {"event": "test", "test": "test_count", "outcome": PASSED, "share": 0.5}
    for raw, points in ((event, 3), ({**event, "share": "x"}, 0), ({**event, "outcome": FAILED}, 0)):
        found = told(raw, lab)
        assert found is not None
        assert found[1]["points"] == points


@pytest.mark.parametrize(("said", "ahead"), [(2, 2), (0, 0), ("x", 0), (None, 0), (-3, 0), (1e99, MOST_AHEAD)])
def test_watchers_hear_that_something_is_measured(said: Any, ahead: int, lab: Lab) -> None:
    assert told({"event": "measuring", "ahead": said}, lab) == ("measuring", {"ahead": ahead})
