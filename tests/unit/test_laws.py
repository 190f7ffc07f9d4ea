"""The sequential test of samplers keeps its word: rare false fails, mistakes caught and named, undecided said so."""

import numpy as np
import pytest
from labkit.laws import Decision, Design, SequentialTest

NULL = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
WRONG = np.array([[0.3, 0.5, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
TWIN = np.array([[0.31, 0.49, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])


def design(**changes: object) -> Design:
    settings = {"alternatives": {"swapped": WRONG}, "floor": 1024, "cap": 4096, **changes}
    return Design(NULL, ["first", "second"], ["a", "b", "c", "d"], **settings)  # type: ignore[arg-type]


def play(law: np.ndarray, seed: int, alpha: float = 1e-9, **changes: object) -> SequentialTest:
    rng = np.random.default_rng(seed)
    test = SequentialTest(design(**changes), alpha)
    while test.decision is Decision.CONTINUE:
        contexts = test.next_contexts(rng)
        test.update(contexts, np.array([rng.choice(4, p=law[c]) for c in contexts]))
    return test


def test_a_correct_sampler_passes() -> None:
    assert {play(NULL, seed).decision for seed in range(20)} == {Decision.PASS}


def test_false_fails_stay_below_the_budget() -> None:
    """At alpha = .05 over 300 runs; by Ville at most .05, and 35 of 300 would be 5 standard deviations above."""
    failed = sum(play(NULL, seed, alpha=0.05, floor=512, cap=512).decision is Decision.FAIL for seed in range(300))
    assert failed <= 34


def test_a_named_mistake_is_caught_and_named() -> None:
    for seed in range(20):
        test = play(WRONG, seed)
        assert test.decision is Decision.FAIL
        assert test.evidence().likely == ("swapped",)
        assert test.n <= 2048


def test_near_twins_are_both_named() -> None:
    test = play(WRONG, 3, alternatives={"swapped": WRONG, "twin": TWIN})
    assert set(test.evidence().likely) == {"swapped", "twin"}


def test_an_unnamed_mistake_is_caught_by_the_omnibus_half() -> None:
    other = np.array([[0.5, 0.3, 0.2, 0.0], [0.4, 0.3, 0.2, 0.1]])
    assert all(play(other, seed).decision is Decision.FAIL for seed in range(10))


@pytest.mark.parametrize("outcome", [3, -1])
def test_an_impossible_answer_fails_at_once(outcome: int) -> None:
    test = SequentialTest(design(), 1e-9)
    test.update(np.array([0, 0]), np.array([0, outcome]))
    assert test.decision is Decision.FAIL
    assert test.n == 2
    assert "never" in test.evidence().expected


def test_shares_too_even_to_be_random_fail() -> None:
    test = SequentialTest(design(), 1e-9)
    rng = np.random.default_rng(0)
    while test.decision is Decision.CONTINUE:
        contexts = np.repeat([0, 1], 500)
        outcomes = np.concatenate([np.repeat(range(4), (NULL[c] * 500).astype(int)) for c in (0, 1)])
        order = rng.permutation(1000)
        test.update(contexts[order], outcomes[order])
    assert test.decision is Decision.FAIL
    assert "more even than random" in test.evidence().sentence


def test_the_cap_without_a_verdict_is_inconclusive() -> None:
    near = np.array([[0.49, 0.31, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
    decisions = {
        play(near, s, alternatives={"near": WRONG * 0.2 + NULL * 0.8}, floor=256, cap=1400).decision for s in range(4)
    }
    assert decisions <= {Decision.INCONCLUSIVE, Decision.PASS}
    assert Decision.FAIL not in decisions


def test_a_table_that_is_no_law_is_refused() -> None:
    with pytest.raises(ValueError, match="probabilities"):
        Design(NULL * 2, ["a", "b"], list("abcd"))
