"""The betting test of a mean keeps its word at any time, and tells values that cannot be from unlikely ones."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from labkit.laws import Decision
from labkit.means import MeanTest

Sample = Callable[[np.random.Generator, int], np.ndarray]

#: Laws on 0 … 1 with the mean 0.3: a coin, an even spread, nearly constant, and a rare large value.
SAMPLERS: dict[str, Sample] = {
    "coin": lambda rng, n: (rng.random(n) < 0.3) * 1.0,
    "even": lambda rng, n: rng.uniform(0.0, 0.6, n),
    "narrow": lambda rng, n: rng.normal(0.3, 0.01, n).clip(0.2, 0.4),
    "rare": lambda rng, n: np.where(rng.random(n) < 0.05, 1.0, 0.25 / 0.95),
}


def play(sample: Sample, seed: int, effect: float = 0.1, alpha: float = 1e-9, shift: float = 0.0) -> MeanTest:
    test = MeanTest(0.3, 0.0, 1.0, effect, alpha=alpha, beta=1e-6, cap=60_000)
    rng = np.random.default_rng(seed)
    while test.decision is Decision.CONTINUE:
        test.update(np.clip(sample(rng, test.next_size()) + shift, 0.0, 1.0))
    return test


@pytest.mark.parametrize("name", SAMPLERS)
def test_whatever_the_law_a_right_mean_passes(name: str) -> None:
    tests = [play(SAMPLERS[name], seed) for seed in range(10)]
    assert {test.decision for test in tests} == {Decision.PASS}
    assert max(test.n for test in tests) < 10_000


@pytest.mark.parametrize(("alpha", "most"), [(1e-2, 44), (1e-3, 9)])
@pytest.mark.parametrize("name", ["coin", "rare"])
def test_a_right_mean_fails_no_more_often_than_promised_however_often_one_looks(
    name: str, alpha: float, most: int
) -> None:
    """3,000 samplers of 400 draws; 30 and 3 are expected at most, `most` is exceeded with probability 1 in 100."""
    rng, failed = np.random.default_rng(1), 0
    for _ in range(3000):
        test = MeanTest(0.3, 0.0, 1.0, 0.1, alpha=alpha, beta=1e-300, cap=400)
        test.update(SAMPLERS[name](rng, 400))
        failed += test.decision is Decision.FAIL
    assert failed <= most


@pytest.mark.parametrize("shift", [0.1, -0.1])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_mean_off_by_the_effect_fails(name: str, shift: float) -> None:
    off: Sample = (lambda rng, n: (rng.random(n) < 0.3 + shift) * 1.0) if name == "coin" else SAMPLERS[name]
    tests = [play(off, seed, shift=0.0 if name == "coin" else shift) for seed in range(10)]
    assert {test.decision for test in tests} == {Decision.FAIL}
    assert all(test.n == int(test.n) < 3000 for test in tests)


def test_it_passes_an_error_of_the_effect_as_rarely_as_promised() -> None:
    """At 1 in 20: of 400 coins that are off by just the effect 20 may pass, and 35 with probability 1 in 1,000."""
    rng, passed = np.random.default_rng(2), 0
    for _ in range(400):
        test = MeanTest(0.5, 0.0, 1.0, 0.1, alpha=1e-9, beta=0.05, cap=2000)
        while test.decision is Decision.CONTINUE:
            test.update((rng.random(test.next_size()) < 0.6) * 1.0)
        passed += test.decision is Decision.PASS
    assert passed <= 35


def test_it_stops_at_the_value_that_decides() -> None:
    test = MeanTest(0.5, 0.0, 1.0, 0.1, alpha=1e-9, beta=1e-6)
    test.update(np.ones(1000))
    assert test.decision is Decision.FAIL
    assert test.n < 50
    assert test.sentence == f"a mean of 1 over {test.n} answers, and no scatter at all"
    shorter = MeanTest(0.5, 0.0, 1.0, 0.1, alpha=1e-9, beta=1e-6)
    shorter.update(np.ones(test.n - 1))
    assert shorter.decision is Decision.CONTINUE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 6.5, -0.01])
def test_a_value_that_cannot_be_fails_and_is_told(value: float) -> None:
    test = MeanTest(2.0, 0.0, 6.0, 0.1, alpha=1e-9, beta=1e-6)
    values = np.full(100, 2.0)
    values[12] = value
    test.update(values)
    assert test.decision is Decision.FAIL
    assert (test.n, test.log10_e) == (13, 300.0)
    assert test.sentence.endswith(", as number 13") and test.expected == "numbers from 0.0 to 6.0"
    assert "no answer outside from 0.0 to 6.0" in test.needed


def test_the_cap_without_a_verdict_is_inconclusive() -> None:
    test = MeanTest(0.3, 0.0, 1.0, 0.001, alpha=1e-9, beta=1e-6, cap=1000)
    rng = np.random.default_rng(3)
    while test.decision is Decision.CONTINUE:
        test.update(SAMPLERS["coin"](rng, test.next_size()))
    assert (test.decision, test.n) == (Decision.INCONCLUSIVE, 1000)
    assert "until the mean is surely from 0.299 to 0.301" in test.needed


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_mean_at_the_end_of_the_range_can_be_asked_for(target: float) -> None:
    right = MeanTest(target, 0.0, 1.0, 0.05, alpha=1e-9, beta=1e-6)
    wrong = MeanTest(target, 0.0, 1.0, 0.05, alpha=1e-9, beta=1e-6)
    while right.decision is Decision.CONTINUE:
        right.update(np.full(right.next_size(), target))
    while wrong.decision is Decision.CONTINUE:
        wrong.update(np.full(wrong.next_size(), abs(target - 0.05)))
    assert (right.decision, wrong.decision) == (Decision.PASS, Decision.FAIL)


@pytest.mark.parametrize(("target", "effect"), [(-0.1, 0.1), (1.1, 0.1), (math.nan, 0.1), (0.5, 0.0)])
def test_what_makes_no_sense_is_refused(target: float, effect: float) -> None:
    with pytest.raises(ValueError, match="a mean of"):
        MeanTest(target, 0.0, 1.0, effect, alpha=1e-9, beta=1e-6)
