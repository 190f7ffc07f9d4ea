"""The failure text: plain words first, then numbers that say where they come from, in rows that can be taken apart."""

from pathlib import Path
from typing import Any

import pytest
from labkit.explain import NOT_SETTLED, WIDTH, explain
from labkit.faults import CheckFailed, TimedOut, Undecided
from labkit.manifest import Manifest, read_manifest
from labkit.measured import NOT_DECIDED, TOGETHER, TOO_EVEN, allowance, in_short, measurement

from grader.domain.failure_text import NUMBERS, rows
from grader.web.pages.telling import told

LAB = Path(__file__).parents[2] / "labs/phase-08-speculative-decoding/labs/lab-03-rejection-sampling"
TEST = "test_step_law_for_chosen_drafts"
BARS = {"context": "draft 3", "labels": ["token 0", "token 1", "token 2"], "expected": [0.5, 0.5, 0.0],
        "observed": [0.7, 0.2, 0.1], "low": [0.4, 0.4, 0.0], "high": [0.6, 0.6, 0.0], "n": 1000,
        "worst": 0}  # fmt: skip


def law(**changes: Any) -> dict[str, Any]:
    """A law check that failed by evidence."""
    check = {"name": "law of speculative_step", "kind": "law", "statistic": "evidence against the law, log10",
             "observed": 11.2, "allowed": 9.48, "n": 640, "false_fail_rate": 3.3e-10, "effect": "off by 0.2",
             "power": 0.999, "detectable": "22 named mistakes", "seed": "7", "sigmas": 8.9, "conclusive": True,
             "needed": "evidence below 10^9.5 after 4,096 draws", "bars": BARS, "trace": None}  # fmt: skip
    return {**check, **changes}


EXACT = {"kind": "exact", "statistic": "largest error", "observed": 0.1, "allowed": 1e-5, "n": 3,
         "false_fail_rate": 0.0, "conclusive": True, "needed": "[0.6, 0.4]"}  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Manifest:
    return read_manifest(LAB)


def text(lab: Manifest, check: dict[str, Any] | None, kind: type[CheckFailed] = CheckFailed) -> dict[str, str]:
    """The rows of a failure of that check."""
    fault = kind("token 0 in 70.0%", given="step(x=3)", expected="token 0 in 50.0%", function="speculative_step",
                 looks_like="no known pattern", check=check)  # fmt: skip
    return dict(rows(explain(fault, lab, TEST, 7).message))


def test_a_law_is_told_in_plain_words_then_in_numbers_with_their_origin(lab: Manifest) -> None:
    told_rows = text(lab, law())
    assert list(told_rows) == ["Claim", "In short", "Input", "Expected", "Yours", "Measured", "Allowed", "Needed",
                               "Picture", "Looks like", "Try", "Replay", "Hint"]  # fmt: skip
    assert told_rows["In short"] == (
        "Your code answers “token 0” too often: in 70 of 100 draws, where a correct one does in about 50 of 100. "
        "Luck does not explain that."
    )
    assert told_rows["Measured"] == "evidence against your code: 158 billion to 1, that is 10^11.2, after 640 draws"
    assert told_rows["Allowed"] == (
        "evidence below 10^9.5: a correct implementation gets this far off in at most 1 of 3 billion runs, whenever "
        "one stops to look"
    )
    assert told_rows["Needed"] == "evidence below 10^9.5 after 4,096 draws"
    assert told_rows["Picture"].splitlines()[0].startswith("outcome")
    assert len(told_rows["Picture"].splitlines()) == 7


def test_every_row_but_a_command_fits_eighty_columns(lab: Manifest) -> None:
    fault = CheckFailed("x " * 200, given="y " * 100, expected="z", function="speculative_step", check=law())
    lines = explain(fault, lab, TEST, 7).message.splitlines()
    assert all(len(line) <= WIDTH for line in lines if not line.startswith(" Replay"))


def test_an_exact_check_shows_its_margin_in_one_line(lab: Manifest) -> None:
    told_rows = text(lab, EXACT)
    assert told_rows["Margin"].endswith("●  10,000 times the limit")
    assert not {"In short", "Measured", "Allowed", "Needed", "Picture"} & set(told_rows)


def test_without_a_measurement_the_text_is_the_short_one(lab: Manifest) -> None:
    assert list(text(lab, None)) == ["Claim", "Input", "Expected", "Yours", "Looks like", "Try", "Replay", "Hint"]
    late = dict(rows(explain(TimedOut("no answer in 10 s"), lab, TEST, 7).message))
    assert list(late) == ["Claim", "Yours", "Try", "Replay", "Hint"]


def test_what_is_not_settled_accuses_nobody(lab: Manifest) -> None:
    told_rows = text(lab, law(observed=6.0, conclusive=False), Undecided)
    assert told_rows["In short"] == NOT_DECIDED
    assert "not a pass" in NOT_DECIDED and "no attempt" in NOT_DECIDED
    assert told_rows["Try"] == NOT_SETTLED
    assert "Looks like" not in told_rows


@pytest.mark.parametrize(
    ("bars", "sentence"),
    [
        ({"worst": 2}, "Your code answered “token 2” here. A correct one never does, so once is enough."),
        ({"worst": 2, "labels": ["a", "b", "impossible answer"]}, "something that is no answer at all here. A correct"),
        ({"worst": 1}, "“token 1” too rarely: in 20 of 100 draws, where a correct one does in about 50 of 100"),
        ({"observed": [0.55, 0.35, 0.1]}, TOGETHER),
        ({"observed": [0.5004, 0.4, 0.1], "high": [0.5002, 0.6, 0]}, "in 5,004 of 10,000 draws"),
    ],
)  # fmt: skip
def test_the_first_sentence_needs_no_statistics(bars: dict[str, Any], sentence: str) -> None:
    assert sentence in in_short(law(bars={**BARS, **bars}))


def test_answers_too_even_for_chance_are_told_as_that() -> None:
    even = law(observed=-3.0)
    assert in_short(even) == TOO_EVEN
    assert measurement(even) == "no evidence of a wrong law, after 640 draws; the fault is in how evenly they fall"
    assert allowance(even).endswith("those of a correct implementation are this even in at most 1 of 303 billion runs")


def test_an_impossible_answer_needs_no_odds() -> None:
    never = law(observed=300.0, n=1)
    assert measurement(never) == "an answer that no run of a correct implementation gives, after 1 draw"
    assert allowance(never) == ""


def test_an_average_is_told_in_its_own_unit() -> None:
    mean = law(kind="mean", statistic="distance in standard errors", observed=9.25, allowed=6.36, bars=None)
    assert in_short(mean) == TOGETHER
    assert "a correct one never gives" in in_short({**mean, "observed": 300.0})
    assert measurement(mean) == "distance in standard errors: 9.25, after 640 draws"
    assert allowance(mean).startswith(
        "up to 6.36: a correct implementation gets this far off in at most 1 of 3 billion"
    )


def test_a_page_with_pictures_leaves_out_the_numbers_of_the_text(lab: Manifest) -> None:
    message = explain(CheckFailed("yours", check=law()), lab, TEST, 7).message
    assert {line.label for line in told(message)} >= set(NUMBERS) - {"Margin"}
    shown = told(message, measured=True)
    assert not {line.label for line in shown} & set(NUMBERS)
    assert [line.label for line in shown if line.lead] == ["In short"]
