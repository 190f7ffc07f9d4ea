"""A calibration record is read strictly, told plainly, and doubted as soon as it is about something else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from grader.domain.calibrating import problems_of, record_of
from grader.domain.calibration import digests, read_record, stale
from grader.domain.calibration_lines import chance_line, record_lines
from grader.domain.errors import BadManifest, Fault
from grader.domain.lab import Lab

DIGEST = "a" * 64
HERE = {"python": "3.11.7", "numpy": "2.4.6", "machine": "x86_64"}
FILES = digests({"p/labs/lab-01-counting/test_lab.py": b"spec", "labkit/laws.py": b"laws"})


def part(**changes: Any) -> dict[str, Any]:
    """What one process measured of a lab with one statistical check and one mutant."""
    tally = {"runs": 100, "failed": 0, "undecided": 1}
    check = {
        "check": "law of count", "kind": "law", "effect": None, "designs": 4, "alpha": 1e-9, "beta": 1e-6,
        "floor": 4096, "cap": 20480,
        "null": {**tally, "draws": [[4096, 90], [5000, 9]], "crossed": [[0.01, 1], [0.001, 0]]},
        "importance": {"runs": 100, "sum": 2e-8, "squares": 1e-17},
        "laws": [{"mistake": "wrong", **tally, "failed": 99, "draws": [[64, 99]], "designs": 4, "distances": 0.4}],
        "unnamed": [{"where": "one context", "times": times, **tally, "failed": failed, "by_floor": failed}
                    for times, failed in ((0.1, 40), (0.2, 99))],
    }  # fmt: skip
    mutant = {"mutant": "wrong", "caught_by": "test_count", "runs": 4, "slipped": [7], "survived": [],
              "effect": {"check": "count error", "allowed": 1e-5, "observed": [1.0, 3.0]}}  # fmt: skip
    plain = {
        "problems": [], "environment": HERE, "end_to_end": {"runs": 4, "failed": 0, "undecided": 0},
        "checks": [check], "mutants": [mutant], "seconds": {"test_count": 0.25},
    }  # fmt: skip
    return {**plain, **changes}


@pytest.fixture
def record(lab: Lab) -> dict[str, Any]:
    """The record that two processes make."""
    return record_of(lab, DIGEST, FILES, [part(), part()], made="2026-01-02")


def test_what_several_processes_measured_adds_up(record: dict[str, Any]) -> None:
    found = read_record(json.dumps(record))
    (check,) = found.checks
    assert (found.end_to_end.runs, check.null.runs, check.null.undecided) == (8, 200, 2)
    assert (check.draws.median, check.draws.p99, check.draws.most) == (4096, 5000, 5000)
    assert check.draws.mean == pytest.approx((90 * 4096 + 9 * 5000) / 99, rel=1e-3)
    assert check.crossed == ((0.01, 0.01), (0.001, 0.0))
    assert check.estimate == pytest.approx(2e-10)
    assert check.standard_error == pytest.approx((1e-19 - 4e-20) ** 0.5 / 200**0.5, rel=1e-3)
    assert (check.laws[0].distance, check.laws[0].tally.failed_share) == (0.1, 0.99)
    assert [(one.times, one.by_floor) for one in check.unnamed] == [(0.1, 80), (0.2, 198)]
    assert (found.mutants[0].runs, found.mutants[0].slipped) == (8, (7, 7))
    assert record["mutants"][0]["effect"] == {"check": "count error", "observed": 2.0, "allowed": 1e-5}
    assert found.seconds == {"test_count": 0.25}


def test_a_lab_without_statistical_checks_has_a_record_as_well(lab: Lab) -> None:
    record = record_of(lab, DIGEST, FILES, [part(checks=[], mutants=[])], made="2026-01-02")
    found = read_record(json.dumps(record))
    assert (found.checks, found.mutants) == ((), ())
    assert "always passes" in chance_line(lab, found)
    assert len(record_lines(found)) == 2


def test_problems_are_told_once() -> None:
    assert problems_of([part(problems=["a", "b"]), part(problems=["b"])]) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"), ("[" * 100_000, "not JSON"), ("[]", "a JSON object"), ("{}", "schema"),
        ('{"schema": 2}', "another version"), (" " * 2**20 + "{}", "1 MB"),
        ('{"schema": 1, "lab": "\\u001b[31m", "files": [], "checks": {}}', "spec_digest"),
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_told_so(text: str, told: str) -> None:
    with pytest.raises(BadManifest, match=told) as caught:
        read_record(text)
    assert caught.value.fault is Fault.LAB_AUTHOR
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("end_to_end", "runs"), 0), (("end_to_end", "failed"), 9), (("budget", "false_fail_rate"), "much"),
        (("checks", 0, "null", "undecided"), -1), (("checks", 0, "false_fail", "estimate"), float("nan")),
        (("checks", 0, "laws", 0, "draws", "mean"), True), (("checks", 0, "unnamed", 1, "by_floor"), 10**9),
        (("mutants", 0, "slipped"), ["7"]), (("files",), {"x": "no digest"}), (("seconds", "test_count"), None),
        (("made",), "yesterday"), (("checks",), "none"),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_named(where: tuple[Any, ...], value: Any, record: dict[str, Any]) -> None:
    inner: Any = record
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = value
    with pytest.raises(BadManifest) as caught:
        read_record(json.dumps(record))
    assert str(where[-1]) in caught.value.message


def test_a_record_holds_until_what_it_measured_changes(record: dict[str, Any]) -> None:
    found = read_record(json.dumps(record))
    same = {**HERE, "python": "3.11.9"}
    assert stale(found, "lab-01-counting", DIGEST, FILES, same) == []
    assert stale(found, "lab-01-counting", DIGEST, FILES) == []
    assert stale(None, "lab-01-counting", DIGEST, FILES) == ["there is no calibration record"]
    assert "another lab's" in stale(found, "lab-02", DIGEST, FILES)[0]
    newer = {"python": "3.12.1", "numpy": "2.5.0", "machine": "x86_64"}
    assert stale(found, "lab-01-counting", DIGEST, FILES, newer) == [
        "python 3.11.7 then, 3.12.1 now", "numpy 2.4.6 then, 2.5.0 now",
    ]  # fmt: skip


def test_changed_files_are_named(record: dict[str, Any]) -> None:
    found = read_record(json.dumps(record))

    def told(files: dict[str, str]) -> list[str]:
        return stale(found, "lab-01-counting", "b" * 64, files)

    spec = next(iter(FILES))
    assert told(FILES) == ["the spec has changed since"]
    assert told({**FILES, spec: "c" * 64}) == ["test_lab.py has changed since"]
    assert told(dict.fromkeys(FILES, "c" * 64)) == ["labkit/laws.py and test_lab.py have changed since"]
    assert told({spec: FILES[spec], "labkit/new.py": "c" * 64}) == ["labkit/new.py is new", "labkit/laws.py is gone"]
    many = {f"labkit/{n}.py": "c" * 64 for n in range(9)}
    assert told({**FILES, **many}) == ["labkit/0.py, labkit/1.py, labkit/2.py and 6 more files are new"]


def test_what_was_measured_is_told_in_sentences(lab: Lab, record: dict[str, Any]) -> None:
    found = read_record(json.dumps(record))
    told = " ".join(record_lines(found))
    assert "The solution passed at 8 of 8 seeds." in told
    assert "Of 200 simulated correct samplers none failed and 2 stayed undecided" in told
    assert "2e-10 ± 2e-11 (importance sampling), promised is 1e-09: 4.5e-06 wrong fails in a class of 300" in told
    assert "law of count 4,096 (5,000)" in told
    assert "ever reached 100 in 1.00% of the runs (promised: 1.0%) and 1,000 in 0.00% of the runs" in told
    assert "1 known mistake by exact law: each fails in 99.0% of the runs or more (least: wrong)" in told
    assert "a share off by 0.2 in one context in 99% of the runs or more" in told
    assert "Each of 1 known mistake lost points at each of 8 seeds; 2 runs slipped" in told
    assert chance_line(lab, found) == "By bad luck, a correct submission fails at most once in 1,000,000,000."


def test_what_a_check_promises_to_catch_is_told_with_what_it_caught(lab: Lab) -> None:
    one = part()
    tally = {"runs": 100, "failed": 97, "undecided": 3}
    one["checks"][0]["effect"] = 0.2
    one["checks"][0]["unnamed"] = [
        {"where": "one context", "times": 0.5, **tally, "failed": 40, "by_floor": 10},
        {"where": "one context", "times": 1.0, **tally, "by_floor": 50},
        {"where": "all contexts", "times": 1.0, **tally, "failed": 0, "by_floor": 0},
    ]
    promising = replace(lab, effect="a share off by 0.2")
    told = record_lines(read_record(json.dumps(record_of(promising, DIGEST, FILES, [one], made="2026-01-02"))))
    assert any(
        line.startswith("Promised to catch: a share off by 0.2. Of 100 samplers off by just what") for line in told
    )
    assert any("(law of count 0.2), none passed and 97.0% failed; at most 1.0e-06 may pass" in line for line in told)
    assert any("Off by half of it, 40% failed." in line for line in told)


def test_a_mistake_that_got_full_points_is_named(lab: Lab) -> None:
    bad = part()
    bad["mutants"][0]["survived"] = [7]
    found = read_record(json.dumps(record_of(lab, DIGEST, FILES, [bad], made="2026-01-02")))
    assert "1 of 1 known mistake got full points at some of 4 seeds: wrong." in record_lines(found)
