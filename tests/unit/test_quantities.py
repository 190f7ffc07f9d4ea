"""A prediction earns what it dared: narrow and right most, wide some, just outside half, and a revision less."""

import math

import pytest
from labkit.quantities import Bracket, Choice, Interval, Outcome, Prediction, earned

SPEEDUP = Interval("speedup", "times", "how many times as fast", 0.05, 20)
BEST_K = Choice("best_k", "drafts", "the fastest k", (1, 3, 5))
CROSSING = Bracket("crossing", "requests", "where it stops winning", (1, 8, 32))


def predicted(lo: float, hi: float) -> Prediction:
    return Prediction((lo + hi) / 2, lo, hi, "because")


@pytest.mark.parametrize(
    ("lo", "hi", "measured", "share", "held"),
    [
        (2.0, 2.4, 2.2, 1.0, True),
        (2.0, 2.5, 2.5, 1.0, True),  # the edges belong to it, and 1.25 is narrow
        (1.6, 2.0, 1.6, 1.0, True),
        (2.0, 2.6, 2.2, 0.75, True),
        (2.0, 3.0, 2.2, 0.75, True),
        (2.0, 3.1, 2.2, 0.4, True),
        (0.05, 20.0, 2.2, 0.4, True),
        (2.0, 2.4, 2.6, 0.5, False),  # 8 % above
        (2.0, 2.4, 2.64, 0.5, False),  # 10 %
        (2.0, 2.4, 2.65, 0.0, False),
        (2.0, 2.4, 1.8, 0.5, False),
        (2.0, 2.4, 1.79, 0.0, False),
        (2.0, 2.4, math.nan, 0.0, False),
    ],
)
def test_an_interval_earns_by_its_width(lo: float, hi: float, measured: float, share: float, held: bool) -> None:
    outcome = SPEEDUP.judge(predicted(lo, hi), measured)
    assert (outcome.share, outcome.held) == (share, held)


@pytest.mark.parametrize(
    ("choice", "share", "held", "said"),
    [(1, 0.0, False, "3 and 5, alike"), (3, 1.0, True, "3 and 5, alike"), (5, 1.0, True, "3 and 5, alike")],
)
def test_a_choice_may_be_any_of_the_best(choice: int, share: float, held: bool, said: str) -> None:
    outcome = BEST_K.judge(predicted(choice, choice), {1: 1.6, 3: 2.2, 5: 2.16})
    assert outcome == Outcome(share, held, 3.0, said)


def test_a_choice_that_is_nearly_as_good_is_worth_half() -> None:
    assert BEST_K.judge(predicted(1, 1), {1: 2.0, 3: 2.2, 5: 1.0}) == Outcome(0.5, False, 3.0, "3")


@pytest.mark.parametrize(
    ("curve", "bracket", "said"),
    [
        ((2.2, 1.3, 0.8), (8, 32), "lost between 8 and 32"),
        ((2.2, 1.0, 0.8), (1, 8), "lost between 1 and 8"),
        ((0.7, 0.6, 0.5), (0, 1), "lost at 1 already"),
        ((2.2, 1.8, 1.4), (32, math.inf), "not lost by 32"),
    ],
)
def test_a_curve_is_lost_between_two_numbers(curve: tuple[float, ...], bracket: tuple[float, float], said: str) -> None:
    outcome = CROSSING.judge(predicted(*bracket), dict(zip((1, 8, 32), curve, strict=True)))
    assert (outcome.share, outcome.held, outcome.said) == (1.0, True, said)
    assert bracket[0] <= outcome.measured <= bracket[1]


@pytest.mark.parametrize(
    ("curve", "bracket", "share"),
    [
        ((2.2, 1.3, 0.99), (32, math.inf), 1.0),  # 1 or 0.99: nobody can tell
        ((2.2, 1.3, 0.92), (32, math.inf), 0.5),
        ((2.2, 1.3, 0.85), (32, math.inf), 0.0),
        ((2.2, 1.08, 0.85), (1, 8), 0.5),
        ((2.2, 1.3, 0.99), (1, 8), 0.0),  # near 1, but not between the two
        ((2.2, 1.02, 1.01), (0, 1), 0.0),
    ],
)
def test_a_neighbouring_place_counts_where_the_curve_is_near_one(
    curve: tuple[float, ...], bracket: tuple[float, float], share: float
) -> None:
    assert CROSSING.judge(predicted(*bracket), dict(zip((1, 8, 32), curve, strict=True))).share == share


def test_the_place_is_where_the_curve_is_one_on_a_logarithm() -> None:
    assert CROSSING.judge(predicted(8, 32), {1: 2.0, 8: 1.2, 32: 0.8}).measured == pytest.approx(16)


@pytest.mark.parametrize(
    ("share", "held", "revised", "explained", "worth"),
    [
        (1.0, True, False, False, 1.0),
        (1.0, True, True, False, 0.8),
        (0.75, True, True, True, 0.6),  # right, though wide: there is nothing to explain
        (0.4, True, False, True, 0.4),
        (0.0, False, False, False, 0.0),
        (0.0, False, False, True, 0.5),
        (0.5, False, False, True, 0.75),
        (0.0, False, True, True, 0.4),
        (0.5, False, True, True, 0.6),
    ],
)
def test_a_revision_costs_and_an_explanation_earns_half_back(
    share: float, held: bool, revised: bool, explained: bool, worth: float
) -> None:
    outcome = Outcome(share, held, 2.2, "2.2")
    assert earned(outcome, revised=revised, explained=explained) == pytest.approx(worth)
