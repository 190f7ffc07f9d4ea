"""What a check leaves in a report is read with suspicion: the new fields, old reports without them, and nonsense."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.measurements import KINDS, LINE_CHARACTERS, TRACE_POINTS, Check, Trace, read_properties

TRACE = {"n": [16, 64, 4096], "value": [0.3, 0.1, 0.02], "band": [0.4, 0.2, 0.03]}
CHECK = {
    "name": "law of verify", "kind": "law", "statistic": "evidence against the law, log10", "observed": -1.2,
    "allowed": 9.48, "n": 4096, "false_fail_rate": 3.3e-10, "effect": "an acceptance probability off by 0.2",
    "power": 0.9999967, "detectable": "13 named mistakes", "seed": "340282366920938463463374607431768211455",
    "sigmas": 2.1, "conclusive": True, "needed": "evidence below 10^9.5", "bars": None, "trace": TRACE,
}  # fmt: skip


def read(check: Any) -> Check:
    """What the grader makes of one check of a report."""
    return read_properties([{"check": json.loads(json.dumps(check))}]).checks[0]


def test_every_field_is_kept() -> None:
    expected = {**CHECK, "trace": {name: tuple(values) for name, values in TRACE.items()}}
    assert asdict(read(CHECK)) == expected
    assert read(CHECK).random and read(CHECK).evidence


def test_what_the_api_shows_of_a_check_is_read_back_the_same() -> None:
    assert read(asdict(read(CHECK))) == read(CHECK)


def test_a_report_from_before_the_new_fields_still_tells_a_law_from_an_error() -> None:
    new = ("kind", "statistic", "effect", "power", "seed", "needed", "trace")
    old = {name: value for name, value in CHECK.items() if name not in new}
    law, exact = read(old), read({**old, "sigmas": None})
    assert (law.random, law.evidence, exact.random, exact.evidence) == (True, True, False, False)
    assert (law.kind, law.power, law.seed, law.trace) == ("", None, "", None)


@pytest.mark.parametrize(
    ("kind", "statistic", "random", "evidence"),
    [("law", "evidence, log10", True, True), ("mean", "distance in standard errors", True, False),
     ("mean", "evidence, log10", True, True), ("exact", "largest error", False, False),
     ("order", "log10", False, False)],
)  # fmt: skip
def test_the_kind_says_what_is_judged_and_the_statistic_in_which_unit(
    kind: str, statistic: str, random: bool, evidence: bool
) -> None:
    check = read({**CHECK, "kind": kind, "statistic": statistic})
    assert (check.random, check.evidence) == (random, evidence)
    assert kind in KINDS


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"kind": "magic"}, "kind", ""), ({"kind": ["law"]}, "kind", ""), ({"power": 1.5}, "power", None),
        ({"power": "all"}, "power", None), ({"power": float("nan")}, "power", None), ({"seed": 7}, "seed", ""),
        ({"seed": "7; rm -rf ~"}, "seed", ""), ({"seed": "٣"}, "seed", ""), ({"seed": "1" * 41}, "seed", ""),
        ({"needed": "a\x1b[31m\nb"}, "needed", "a b"), ({"effect": {}}, "effect", ""),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_has_another_shape_is_left_out(change: dict[str, Any], field: str, value: object) -> None:
    assert getattr(read({**CHECK, **change}), field) == value


def test_texts_are_bounded() -> None:
    check = read({**CHECK, "needed": "x" * 9_000, "effect": "y" * 9_000, "statistic": "z" * 9_000})
    assert max(map(len, (check.needed, check.effect, check.statistic))) < LINE_CHARACTERS + 30


@pytest.mark.parametrize(
    "change",
    [
        {"n": [16, 64]}, {"n": [64, 16, 4096]}, {"n": [16, 16, 4096]}, {"n": [0, 64, 4096]}, {"n": [16, None, 4096]},
        {"n": "abc"}, {"n": [16, 64, 2**53]}, {"value": [0.3, 0.1, 1.1]}, {"value": [0.3, float("nan"), 0.1]},
        {"band": None}, {"band": [0.4, 0.2]}, {"band": [0.4, 0.2, True]},
        {"n": [16], "value": [0.1], "band": [0.1]}, {"n": [], "value": [], "band": []},
        {"n": list(range(1, TRACE_POINTS + 2)), "value": [0.1] * (TRACE_POINTS + 1),
         "band": [0.1] * (TRACE_POINTS + 1)},
    ],
    ids=range(15),
)  # fmt: skip
def test_half_a_trace_is_none(change: dict[str, Any]) -> None:
    assert read(CHECK).trace == Trace((16, 64, 4096), (0.3, 0.1, 0.02), (0.4, 0.2, 0.03))
    assert read({**CHECK, "trace": {**TRACE, **change}}).trace is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from([*CHECK, *TRACE]), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*CHECK]), JSON))
def test_no_report_can_break_the_reading_of_it(changes: dict[str, Any]) -> None:
    [check] = read_properties([{"check": {**CHECK, **changes}}]).checks
    json.dumps(asdict(check), allow_nan=False)
