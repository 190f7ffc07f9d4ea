"""The sequential test of samplers keeps its word: rare false fails, mistakes caught and named, undecided said so."""

import math
from typing import Any

import numpy as np
import pytest
from labkit.evenness import log_evenness
from labkit.laws import Decision, Design, SequentialTest, next_size, spread
from labkit.mixture import Mixture, log_likelihood, log_mean, omnibus
from labkit.shifts import Shifts
from labkit.trace import POINTS, traced

NULL = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
WRONG = np.array([[0.3, 0.5, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
TWIN = np.array([[0.31, 0.49, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])


def design(**changes: Any) -> Design:
    settings: dict[str, Any] = {"alternatives": {"swapped": WRONG}, "floor": 1024, "cap": 4096, **changes}
    return Design(NULL, ["first", "second"], ["a", "b", "c", "d"], **settings)


def drawn(law: np.ndarray, contexts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One outcome for each context, of whatever shape."""
    upper = np.cumsum(law, axis=1)[contexts, :-1]
    return np.asarray((rng.random(contexts.shape)[..., None] > upper).sum(axis=-1))


def play(law: np.ndarray, seed: int, alpha: float = 1e-9, **changes: Any) -> SequentialTest:
    rng = np.random.default_rng(seed)
    test = SequentialTest(design(**changes), alpha)
    while test.decision is Decision.CONTINUE:
        contexts = test.next_contexts(rng)
        test.update(contexts, drawn(law, contexts, rng))
    return test


def test_a_correct_sampler_passes() -> None:
    assert {play(NULL, seed).decision for seed in range(20)} == {Decision.PASS}


def crossings(design: Design, law: np.ndarray, alpha: float, runs: int, draws: int, seed: int) -> int:
    """How many of so many samplers reach evidence 1/alpha at any one of their draws."""
    rng = np.random.default_rng(seed)
    standing = Mixture(design.null, list(design.alternatives.values())).begin(runs)
    crossed = np.zeros(runs, dtype=bool)
    for _ in range(draws // 256):
        contexts = rng.integers(len(law), size=(runs, 256))
        first, _ = standing.take(contexts, drawn(law, contexts, rng), -math.log(alpha))
        crossed |= first >= 0
    return int(crossed.sum())


def too_many(rate: float, runs: int, chance: float = 1e-3) -> int:
    """The smallest count reached with `chance` at most by an event of probability `rate` in `runs`: exact binomial."""
    term, tail = math.exp(runs * math.log1p(-rate)), 1.0
    for count in range(runs + 1):
        if tail <= chance:
            return count
        tail -= term
        term *= (runs - count) / (count + 1) * rate / (1 - rate)
    return runs + 1


@pytest.mark.parametrize(("alpha", "runs"), [(1e-2, 4000), (1e-3, 8000)])
def test_false_fails_stay_below_the_budget_however_often_one_looks(alpha: float, runs: int) -> None:
    """Ville's bound holds for the evidence after each of 768 draws together."""
    crossed = sum(crossings(design(), NULL, alpha, 1000, 768, seed) for seed in range(runs // 1000))
    assert 0 < crossed < too_many(alpha, runs)


def test_a_wrong_sampler_crosses_where_a_right_one_does_not() -> None:
    assert crossings(design(), WRONG, 1e-3, 200, 768, 1) == 200


def test_the_evidence_after_each_draw_is_that_of_the_counts() -> None:
    """Against the closed form, in batches of uneven size, with an alternative that has a zero."""
    rng = np.random.default_rng(3)
    alternatives = [WRONG, np.array([[0.0, 0.5, 0.5, 0.0], [0.25, 0.25, 0.25, 0.25]])]
    standing = Mixture(NULL, alternatives).begin(3)
    for size in (5, 1, 60):
        contexts = rng.integers(2, size=(3, size))
        _, log_e = standing.take(contexts, drawn(NULL, contexts, rng), math.inf)
        for run in range(3):
            counts = standing.counts[run]
            named = [log_likelihood(counts, law) - log_likelihood(counts, NULL) for law in alternatives]
            both = np.array([omnibus(counts, NULL), float(log_mean(np.array(named)))])
            assert log_e[run] == pytest.approx(float(log_mean(both)))


def test_it_stops_at_the_draw_that_decides() -> None:
    """The evidence is below the limit one draw earlier, and the rest of the batch is only looked on."""
    for seed in range(10):
        test = play(WRONG, seed, alpha=1e-3)
        contexts, outcomes = (part[: test.n] for part in test.draws())
        assert test.n == test.counts.sum() <= test.drawn.sum()
        again = SequentialTest(design(), 1e-3)
        decisions = []
        for part in (slice(None, -1), slice(-1, None)):
            again.update(contexts[part], outcomes[part])
            decisions.append(again.decision)
        assert decisions == [Decision.CONTINUE, Decision.FAIL]
        assert again.log_e == pytest.approx(test.log_e)


def test_batches_grow_and_never_exceed_the_cap() -> None:
    assert [next_size(n, 10_000) for n in (0, 64, 512, 4096, 8192, 9_999)] == [64, 64, 512, 512, 1024, 1]


def test_contexts_are_asked_by_their_weights_almost_exactly() -> None:
    weights = np.array([[0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])
    asked = spread(weights, 101, np.random.default_rng(4))
    counts = np.array([np.bincount(row, minlength=3) for row in asked])
    assert np.all(np.abs(counts - 101 * weights) < 1)
    assert len(set(np.flatnonzero(asked[0] == 0) % 2)) == 2, "in random order"


def test_a_named_mistake_is_caught_and_named() -> None:
    for seed in range(20):
        test = play(WRONG, seed)
        assert test.decision is Decision.FAIL
        assert test.evidence().likely == ("swapped",)
        assert test.n <= 1024


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
    test = SequentialTest(design(floor=8192, cap=20480), 1e-9)
    rng = np.random.default_rng(0)
    while test.decision is Decision.CONTINUE:
        contexts = np.repeat([0, 1], 500)
        outcomes = np.concatenate([np.repeat(range(4), (NULL[c] * 500).astype(int)) for c in (0, 1)])
        order = rng.permutation(1000)
        test.update(contexts[order], outcomes[order])
    assert test.decision is Decision.FAIL
    assert "more even than random" in test.evidence().sentence


@pytest.mark.parametrize("answers", ["in turn", "nearest to the law"])
def test_an_order_too_exact_to_be_random_fails(answers: str) -> None:
    """Answers that cycle through a list with the right shares, or always add the outcome that is most behind."""
    test = SequentialTest(design(floor=8192, cap=20480), 1e-9)
    rng = np.random.default_rng(2)
    owed = np.zeros((2, 4))
    rows = [np.repeat(range(4), (10 * NULL[c]).round().astype(int)) for c in (0, 1)]
    while test.decision is Decision.CONTINUE:
        contexts = test.next_contexts(rng)
        outcomes = []
        for c in contexts:
            owed[c] += NULL[c]
            outcome = rows[c][int(owed[c].sum().round()) % 10] if answers == "in turn" else int(np.argmax(owed[c]))
            owed[c, outcome] -= 0.0 if answers == "in turn" else 1.0
            outcomes.append(outcome)
        test.update(contexts, np.array(outcomes))
    assert test.decision is Decision.FAIL
    evidence = test.evidence()
    assert evidence.log10_e < evidence.limit_log10
    assert evidence.needed == "shares that scatter as those of random draws do"


def test_a_sampler_that_ignores_its_input_fails_though_its_marginal_law_is_right() -> None:
    """Each draw comes from the average of both contexts' laws."""
    ignoring = np.tile(NULL.mean(axis=0), (2, 1))
    assert {play(ignoring, seed, alternatives={}).decision for seed in range(20)} == {Decision.FAIL}


def test_a_mistake_is_not_named_where_the_draws_refuse_it_too() -> None:
    """The other law is nearer to the named one than to the right one, and neither."""
    far = np.array([[0.1, 0.7, 0.2, 0.0], [0.4, 0.3, 0.2, 0.1]])
    rng = np.random.default_rng(6)
    test = play(far, 6)
    assert test.decision is Decision.FAIL
    contexts = rng.integers(2, size=2048)
    test.look_on(contexts, drawn(far, contexts, rng))
    assert test.evidence().likely == ()


def test_a_finding_is_told_in_tries() -> None:
    test = SequentialTest(Design(np.array([[0.4, 0.6]]), ["draft 3"], ["token 5", "token 6"], floor=64), 1e-9)
    test.update(np.zeros(40, dtype=int), np.zeros(40, dtype=int))
    evidence = test.evidence()
    assert test.decision is Decision.FAIL and test.n < 40
    assert evidence.given == "draft 3"
    assert evidence.sentence == "token 5 in 40 of 40 tries (100.0%), 7.7 standard deviations off"
    assert evidence.expected == "token 5 in about 16 of 40 tries (40.0% ± 7.7%)"
    assert evidence.needed.startswith("evidence below 10^9.0 at every draw")


def test_the_cap_without_a_verdict_is_inconclusive_and_says_what_is_left() -> None:
    """What is off by half of the effect neither passes nor fails in so few draws; a correct sampler does not either."""
    near = np.array([[0.47, 0.33, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
    for law in (near, NULL):
        tests = [play(law, seed, alternatives={}, effect=0.06, floor=256, cap=1400) for seed in range(8)]
        assert {(test.decision, test.n) for test in tests} == {(Decision.INCONCLUSIVE, 1400)}
        needed = tests[0].evidence().needed
        assert needed.startswith("draws that rule out what is still possible after 1,400: an answer to “first”")


@pytest.mark.parametrize("effect", [0.15, 0.2])
def test_a_sampler_off_by_the_effect_does_not_pass(effect: float) -> None:
    """Where nobody named the mistake, in one answer to one input; a correct one passes."""
    off = NULL.copy()
    off[1] += effect * np.array([0.0, 0.5, 0.5, -1.0])
    settings: dict[str, Any] = {"alternatives": {}, "effect": effect, "floor": 64, "cap": 8000}
    wrong = [play(off, seed, **settings) for seed in range(15)]
    assert {test.decision for test in wrong} == {Decision.FAIL}
    assert {play(NULL, seed, **settings).decision for seed in range(15)} == {Decision.PASS}


@pytest.mark.parametrize("p", [0.0, 0.02, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("more", [0.0, 0.05])
def test_an_error_as_large_as_the_effect_or_larger_is_ruled_out_as_rarely_as_promised(p: float, more: float) -> None:
    """At 1 in 50, looked at after each of 400 draws: a two-sided choice of laws that are off by that much."""
    shifts, runs = Shifts(np.array([[1 - p, p]]), 0.1), 2000
    rng = np.random.default_rng(7)
    for side, move in ((0, 0.1 + more), (1, -0.1 - more)):
        if not 0 <= p + move <= 1:
            continue
        came = np.cumsum(rng.random((runs, 400)) < p + move, axis=1)
        gone = np.zeros(runs, dtype=bool)
        for n in range(1, 401):
            counts = np.stack([n - came[:, n - 1], came[:, n - 1]], axis=1)[:, None]
            gone |= shifts.ruled_out(counts, math.log(50))[:, 0, 1, side]
        assert gone.sum() < too_many(1 / 50, runs)


@pytest.mark.parametrize("size", [24, 200])
def test_random_answers_are_called_too_even_as_rarely_as_promised(size: int) -> None:
    """At 1 in 50, over ten batches of three laws together; the bets' value is 1 on average or less."""
    null = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.9, 0.0, 0.1]])
    rng, runs = np.random.default_rng(10), 3000
    value, highest = np.zeros(runs), np.zeros(runs)
    for batch in range(10):
        counts = np.stack([rng.multinomial(size, row, size=runs) for row in null], axis=1)
        value += log_evenness(null, counts)
        highest = np.maximum(highest, value)
        if batch == 0:
            assert np.exp(value).mean() <= 1 + 4 * np.exp(value).std() / math.sqrt(runs)
    assert (highest >= math.log(50)).sum() < too_many(1 / 50, runs)


def test_correct_samplers_stay_below_the_band_of_the_trace() -> None:
    rng = np.random.default_rng(9)
    above = 0
    for _ in range(200):
        contexts = rng.integers(2, size=600)
        trace = traced(NULL, contexts, drawn(NULL, contexts, rng))
        assert trace is not None and 30 < len(trace.n) <= POINTS and trace.n[-1] == 600
        above += sum(value > band for value, band in zip(trace.value, trace.band, strict=True))
    assert above < too_many(1e-3, 200 * 30)


def test_the_trace_of_a_wrong_sampler_leaves_the_band() -> None:
    zeros = np.zeros(300, dtype=int)
    trace = traced(NULL, zeros, zeros)
    assert trace is not None
    assert trace.value[-1] == 0.5 > trace.band[-1]
    assert traced(NULL, zeros[:1], zeros[:1]) is None


def test_a_table_that_is_no_law_is_refused() -> None:
    with pytest.raises(ValueError, match="probabilities"):
        Design(NULL * 2, ["a", "b"], list("abcd"))
