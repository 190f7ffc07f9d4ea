"""The picture of a law check: small, honest about what it leaves out, and read with suspicion."""

import json
from typing import Any

import numpy as np
import pytest
from labkit.bars import MOST_BARS, worst_bars
from labkit.laws import Decision, Design, SequentialTest

from grader.domain.measurements import BARS, LABEL_CHARACTERS, Bars, read_properties

GOOD = {"context": "draft 3", "labels": ["a", "b"], "expected": [0.4, 0.6], "observed": [0.5, 0.5], "n": 20}


def watched(null: list[list[float]], contexts: list[int], outcomes: list[int]) -> SequentialTest:
    """A test of that law after these draws."""
    law = np.array(null)
    labels = [f"token {i}" for i in range(law.shape[1])]
    test = SequentialTest(Design(law, [f"draft {c}" for c in range(len(law))], labels, floor=4), 1e-9)
    test.update(np.array(contexts), np.array(outcomes))
    return test


def read(bars: Any) -> Bars | None:
    """What the grader makes of a report's bars."""
    return read_properties([{"check": {"name": "law", "bars": json.loads(json.dumps(bars))}}]).checks[0].bars


def test_the_band_is_what_the_check_itself_allows_and_tightens_with_draws() -> None:
    few, many = (worst_bars(watched([[0.5, 0.5]], [0] * n, [i % 2 for i in range(n)])) for n in (40, 4000))
    assert few is not None and many is not None
    assert few.low[0] < many.low[0] < 0.5 < many.high[0] < few.high[0]
    assert many.high[0] - 0.5 == pytest.approx(0.5 - many.low[0], abs=1e-3)
    assert 6 < (many.high[0] - 0.5) / (0.5 / 4000**0.5) < 9, "standard deviations: dearer than 1e-9 looked at once"


def test_a_correct_sampler_leaves_its_band_as_rarely_as_the_check_says() -> None:
    """At a rate of 1 in 20, over all outcomes, contexts and looks together: Ville's inequality, here by simulation."""
    law = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    design = Design(law, ["c", "d"], ["x", "y", "z"], floor=1 << 40, cap=1 << 41)
    left = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        test = SequentialTest(design, alpha=1e-300)
        out = False
        for _ in range(15):
            contexts = design.sample_contexts(rng, 30)
            test.update(contexts, np.array([rng.choice(3, p=law[c]) for c in contexts]))
            test.alpha = 0.05
            bars = worst_bars(test)
            test.alpha = 1e-300
            assert bars is not None
            rows = zip(bars.low, bars.observed, bars.high, strict=True)
            out = out or not all(low <= drawn <= high for low, drawn, high in rows)
        left += out
    assert left <= 5, f"{left} of 50 left a band meant for two or three at most"


def test_the_band_of_what_must_not_or_must_happen_has_no_width() -> None:
    bars = worst_bars(watched([[1.0, 0.0]], [0, 0], [0, 1]))
    assert bars is not None and (bars.low, bars.high, bars.worst) == ([1.0, 0.0], [1.0, 0.0], 1)


def test_the_deciding_outcome_is_pointed_at() -> None:
    bars = worst_bars(watched([[0.25, 0.25, 0.5]], [0] * 16, [1] * 12 + [2] * 4))
    assert bars is not None and bars.labels[bars.worst] == "token 1"


def test_there_are_no_bars_before_the_first_draw() -> None:
    assert worst_bars(SequentialTest(Design(np.array([[0.5, 0.5]]), ["c"], ["a", "b"]), 1e-9)) is None


def test_the_context_furthest_from_the_law_is_drawn() -> None:
    bars = worst_bars(watched([[0.5, 0.5], [0.25, 0.75]], [0] * 8 + [1] * 8, [0, 1] * 4 + [0] * 6 + [1] * 2))
    assert bars is not None
    assert (bars.context, bars.n) == ("draft 1", 8)
    assert (bars.labels, bars.expected, bars.observed) == (["token 0", "token 1"], [0.25, 0.75], [0.75, 0.25])


def test_outcomes_that_never_happen_are_left_out_and_the_many_are_told_as_one() -> None:
    law = [0.05] * 20 + [0.0] * 5
    bars = worst_bars(watched([law], [0] * 40, [i % 20 for i in range(40)]))
    assert bars is not None and len(bars.labels) == MOST_BARS
    assert bars.labels[-1] == "9 others"
    assert sum(bars.expected) == pytest.approx(1) and sum(bars.observed) == pytest.approx(1)


def test_an_outcome_that_must_not_happen_is_drawn_whatever_its_share() -> None:
    law = [0.05] * 20 + [0.0]
    test = watched([law], [0] * 41, [*(i % 20 for i in range(40)), 20])
    bars = worst_bars(test)
    assert test.decision is Decision.FAIL
    assert bars is not None and len(bars.labels) == MOST_BARS
    assert bars.expected[bars.labels.index("token 20")] == 0


def test_an_answer_outside_every_outcome_has_a_bar_of_its_own() -> None:
    bars = worst_bars(watched([[0.5, 0.5]], [0, 0], [1, -1]))
    assert bars is not None and (bars.n, bars.labels[-1], bars.observed) == (2, "impossible answer", [0, 0.5, 0.5])


def test_draws_after_the_verdict_are_in_the_picture() -> None:
    test = watched([[0.5, 0.5, 0.0]], [0], [2])
    test.look_on(np.zeros(9, dtype=int), np.array([0, 0, 0, 0, 1, 1, 1, 1, -1]))
    bars = worst_bars(test)
    assert test.n == 1 and bars is not None
    assert (bars.n, bars.observed) == (10, [0.4, 0.4, 0.1, 0.1])
    assert (bars.labels[-1], bars.expected) == ("impossible answer", [0.5, 0.5, 0.0, 0.0])


def test_what_labkit_writes_the_grader_reads() -> None:
    bars = worst_bars(watched([[0.05] * 20], [0] * 40, [i % 20 for i in range(40)]))
    assert bars is not None
    kept = read(vars(bars))
    assert kept is not None and list(kept.labels) == bars.labels and kept.n == bars.n
    assert (list(kept.low), list(kept.high)) == (bars.low, bars.high) and len(kept.low) == MOST_BARS


@pytest.mark.parametrize(
    "band",
    [{}, {"low": [0.1, 0.1]}, {"low": [0.1], "high": [0.9]}, {"low": [0.9, 0.1], "high": [0.5, 0.9]},
     {"low": [-0.1, 0.1], "high": [0.5, 0.9]}, {"low": [0.1, None], "high": [0.5, 0.9]}, {"low": "ab", "high": 3}],
)  # fmt: skip
def test_a_band_that_makes_no_sense_is_none_and_the_shares_stay(band: dict[str, Any]) -> None:
    bars = read({**GOOD, **band})
    assert bars is not None and (bars.low, bars.high) == ((), ())
    assert read({**GOOD, "low": [0.1, 0.2], "high": [0.1, 0.9]}) != bars


def test_texts_are_cleaned_and_cut() -> None:
    bars = read({**GOOD, "labels": ["a\x1b[31m\u202e", "x" * 500], "context": "c\n<b>" + "y" * 5000})
    assert bars is not None
    assert bars.labels[0] == "a" and len(bars.labels[1]) < LABEL_CHARACTERS + 30
    assert "\n" not in bars.context and len(bars.context) < 350


@pytest.mark.parametrize(
    "change",
    [
        {"labels": []}, {"labels": None}, {"labels": ["a"]}, {"labels": ["a"] * 3}, {"expected": [0.4, True]},
        {"expected": [0.4, 1.01]}, {"observed": [-0.1, 0.5]}, {"observed": [None, 0.5]}, {"observed": "ab"},
        {"n": -1}, {"n": None}, {"n": float("inf")}, {"observed": [float("nan"), 0.5]}, {"expected": [10**400, 0]},
        {key: [0.01] * (BARS + 1) for key in ("labels", "expected", "observed")},
    ],
    ids=range(15),
)  # fmt: skip
def test_half_a_picture_is_none(change: dict[str, Any]) -> None:
    assert read(GOOD) is not None
    assert read({**GOOD, **change}) is None


@pytest.mark.parametrize("bars", [None, [], 1, "bars", {}, {"labels": {"a": 1}}])
def test_anything_else_is_none(bars: Any) -> None:
    assert read(bars) is None
