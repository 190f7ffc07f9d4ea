"""What an engine measured is read from a report within bounds: lab-02's own is kept whole, nonsense is left out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labkit.contract import load_file
from labkit.sealing import Version, seal

from grader.domain.lab import Lab
from grader.domain.measured import LARGEST, POINTS, QUANTITIES, Measured, Outcome, Point, Prediction, read_measured
from grader.domain.report import read_report
from tests.engine_reports import ANSWERED, SEALED, changed, report
from tests.labs.engine_answers import Engine

SPEC = Path(__file__).parents[2] / "labs/phase-08-speculative-decoding/labs/lab-02-eagle-on-real-vllm/test_lab.py"
PREDICTIONS = (SPEC.parent / "examples/predictions.toml").read_text(encoding="utf-8")
NAN, INF = float("nan"), float("inf")


def read(measured: Any) -> Measured:
    """What the grader makes of it, as it comes out of a report's JSON."""
    found = read_measured([{"measured": json.loads(json.dumps(measured))}])
    assert found is not None
    return found


def left_by_lab_02(*, final: bool) -> dict[str, Any]:
    """What the spec's test leaves in the report, made by the spec itself."""
    spec: Any = load_file(SPEC)
    text = PREDICTIONS.replace("final = false", "final = true") if final else PREDICTIONS
    versions = [Version("2026-11-25T11:02:00+00:00", text)]
    sealed, run = seal(versions, spec.FORM), Engine()(spec.ALL if final else spec.BASELINE)
    found = spec.judged(sealed, run, spec.newest(versions)[0]) if final else {}
    return {**spec.identity(sealed, run), **spec.pictures(run, final), **spec.told(sealed, run, found)}


def test_what_lab_02_leaves_is_kept_whole() -> None:
    told = left_by_lab_02(final=True)
    assert told.keys() == ANSWERED.keys(), "the tests' own example has lab-02's shape"
    assert [row.keys() for row in told["predictions"]] == [row.keys() for row in ANSWERED["predictions"]]
    one = read(told)
    assert one.answered and one.waterfall is not None
    assert (one.profile, one.by, one.date) == ("inflated-cpu", "cpu", 1795611600.0)
    assert one.identity == {name: word for name, word in told["identity"].items() if word}
    assert one.sealed_at == one.closed_at == 1795604520.0 and one.revised_at is None
    assert {str(batch): ms for batch, ms in one.baseline} == told["baseline"]
    assert vars(one.waterfall) == told["waterfall"]
    assert list(one.per_position) == told["per_position"]
    assert [(at.at, at.speedup, at.length) for at in one.by_k] == [tuple(row.values()) for row in told["by_k"]]
    assert [(at.at, at.speedup) for at in one.by_batch] == [tuple(row.values()) for row in told["by_batch"]]
    assert [vars(row) for row in one.predictions] == [
        {"low" if key == "lo" else "high" if key == "hi" else key: value for key, value in row.items()}
        for row in told["predictions"]
    ]
    assert {row.outcome for row in one.predictions} == {Outcome.HELD}


def test_before_the_predictions_are_final_lab_02_leaves_the_baseline_alone() -> None:
    told = left_by_lab_02(final=False)
    assert told.keys() == SEALED.keys()
    one = read(told)
    assert not one.answered and one.closed_at is None
    assert len(one.baseline) == 3 and len(one.predictions) == 4
    assert {row.outcome for row in one.predictions} == {None}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.HELD), ({"share": 0.4}, Outcome.HELD), ({"measured": 3.0, "share": 0.5}, Outcome.IN_PART),
        ({"measured": 3.0, "share": 0.0}, Outcome.MISSED), ({"measured": 3.0}, Outcome.HELD),
        ({"high": 2.7, "share": 0.0}, Outcome.MISSED), ({"share": None}, Outcome.UNSETTLED), ({"measured": None}, None),
        ({"high": None, "share": 0.8}, Outcome.HELD), ({"high": None, "low": 3.0, "share": 0.8}, Outcome.IN_PART),
    ],
    ids=range(10),
)  # fmt: skip
def test_an_outcome_follows_from_the_interval_and_the_share(changes: Any, outcome: Outcome | None) -> None:
    assert replace(Prediction("speedup", "times", 2.35, 2.85, measured=2.7, share=1.0), **changes).outcome is outcome


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"baseline": {"1": 14.5, "8": NAN}}, {"baseline": ()}), ({"baseline": {"one": 14.5}}, {"baseline": ()}),
        ({"baseline": {str(n): 1.0 for n in range(1, POINTS + 2)}}, {"baseline": ()}),
        ({"baseline": {"32": 3.0, "8": 2.0}}, {"baseline": ((8, 2.0), (32, 3.0))}),
        ({"baseline": [1]}, {"baseline": ()}), ({"baseline": {"8": 1e-300}}, {"baseline": ()}),
        ({"waterfall": {"baseline_ms": 18.2, "length": 0, "cost": 1.2, "tpot_ms": 9.6}}, {"waterfall": None}),
        ({"waterfall": {"baseline_ms": 18.2}}, {"waterfall": None}), ({"waterfall": 7}, {"waterfall": None}),
        ({"per_position": [0.9, 1.5]}, {"per_position": ()}), ({"per_position": [0.9, True]}, {"per_position": ()}),
        ({"per_position": [0.5] * (POINTS + 1)}, {"per_position": ()}), ({"per_position": "all"}, {"per_position": ()}),
        ({"by_k": [{"k": 1, "speedup": 2.0}, {"k": 1, "speedup": 3.0}]}, {"by_k": ()}),
        ({"by_k": [{"k": 1.5, "speedup": 2.0}]}, {"by_k": ()}), ({"by_k": [{"k": 1, "speedup": -2.0}]}, {"by_k": ()}),
        ({"by_k": [{"k": 3, "speedup": 2, "acceptance_length": "x"}, {"k": 1, "speedup": 1}]},
         {"by_k": (Point(1, 1.0), Point(3, 2.0))}),
        ({"by_batch": [{"batch": 1, "speedup": INF}]}, {"by_batch": ()}), ({"by_batch": [[1, 2]]}, {"by_batch": ()}),
        ({"by_batch": [{"batch": n, "speedup": 1} for n in range(1, POINTS + 2)]}, {"by_batch": ()}),
        ({"by": "magic", "profile": ["x"], "identity": "vllm", "date": 7}, {"by": "", "profile": "", "date": None}),
        ({"date": "yesterday", "sealed_at": "2" * 50, "closed_at": "0001-01-01T00:00:00+23:59"},
         {"date": None, "sealed_at": None, "closed_at": None}),
        ({"sealed_at": "2026-11-25T11:02:00", "closed_at": "2026-11-25T12:02:00+01:00"},
         {"sealed_at": 1795604520.0, "closed_at": 1795604520.0}),
        ({"predictions": [ANSWERED["predictions"][0]] * (QUANTITIES + 1)}, {"predictions": ()}),
    ],
    ids=range(24),
)  # fmt: skip
def test_what_has_another_shape_is_left_out(changes: Any, kept: dict[str, Any]) -> None:
    one = read(changed(ANSWERED, **changes))
    assert {name: getattr(one, name) for name in kept} == kept


@pytest.mark.parametrize(
    "change",
    [{"lo": None}, {"lo": 3.0}, {"lo": -1.0}, {"hi": NAN}, {"hi": 10 * LARGEST}, {"name": ""}, {"name": 7}],
    ids=range(7),
)
def test_a_prediction_without_a_name_or_an_interval_is_left_out_alone(change: dict[str, Any]) -> None:
    rows = [{**ANSWERED["predictions"][0], **change}, *ANSWERED["predictions"][1:]]
    kept = [row.name for row in read(changed(ANSWERED, predictions=rows)).predictions]
    assert kept == ["acceptance_length", "best_k", "crossing"]


def test_an_open_end_is_said_and_not_left_away() -> None:
    row = {**ANSWERED["predictions"][3], "hi": None}
    assert read(changed(ANSWERED, predictions=[row])).predictions[0].high is None
    del row["hi"]
    assert read(changed(ANSWERED, predictions=[row])).predictions == ()


def test_texts_are_one_clean_short_line() -> None:
    row = {**ANSWERED["predictions"][0], "reason": "a\x1b[31m\n\u202eb" + "c" * 9_000, "unit": "\n".join("u" * 900)}
    one = read(changed(ANSWERED, predictions=[row], profile="p\0" * 900, identity={"vllm": "\x1b[2J1", "owned": "x"}))
    (kept,) = one.predictions
    assert kept.reason.startswith("a bccc") and len(kept.reason) < 350 and len(kept.unit) < 120 > len(one.profile)
    assert one.identity == {"vllm": "1"}


def test_a_report_holds_it_where_one_of_its_tests_says_so(lab: Lab) -> None:
    assert read_report(report(ANSWERED, "test_count", "test_total"), lab).measured == read(ANSWERED)
    assert read_report(report(ANSWERED, "test_unlisted", "test_count"), lab).measured is None
    for nothing in ({}, {"by": "cpu"}, [], "all", None):
        assert read_measured([{"measured": nothing}]) is None
    assert read_measured([["measured", {}], ["measured", ANSWERED]]) == read(ANSWERED), "the first that says anything"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["2026-11-25T11:02:00+00:00", "0001-01-01", "9999-12-31T23:59:59-23:59", "8", 1, 3.5, 1e6]),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(
        st.sampled_from(["1", "8", "k", "batch", "speedup", "name", "lo", "hi", "measured", "share", "baseline_ms"])
        | st.text(max_size=5), parts, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*ANSWERED]), ANYTHING))
def test_no_nonsense_breaks_the_reading(changes: dict[str, Any]) -> None:
    one = read_measured([{"measured": {**ANSWERED, **changes}}])
    assert one is None or (len(one.predictions) <= QUANTITIES and len(one.by_k) <= POINTS)
