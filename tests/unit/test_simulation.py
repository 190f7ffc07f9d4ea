"""Simulated tests decide as the real one does, and what they say of a test's error rates is so."""

import math

import numpy as np
import pytest
from labkit.laws import Decision, Design, SequentialTest

from worker.harness.deviations import deviating, distance, mixture
from worker.harness.mean_trials import MeanDesign, try_mean
from worker.harness.simulation import Simulation, sampler
from worker.harness.trials import importance_weights, try_check

NULL = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]])
SWAPPED = np.array([[0.3, 0.5, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]])
NEAR = np.array([[0.5, 0.3, 0.2, 0.0], [0.15, 0.2, 0.25, 0.4], [1.0, 0.0, 0.0, 0.0]])
IMPOSSIBLE = np.array([[0.5, 0.3, 0.18, 0.02], [0.1, 0.2, 0.3, 0.4], [0.99, 0.0, 0.01, 0.0]])
LAWS = {"right": NULL, "swapped": SWAPPED, "near": NEAR, "impossible": IMPOSSIBLE}


def design(**changes: object) -> Design:
    settings = {"alternatives": {"swapped": SWAPPED, "impossible": IMPOSSIBLE}, "weights": np.array([3.0, 2.0, 1.0]),
                "floor": 1024, "cap": 4096, **changes}  # fmt: skip
    return Design(NULL, ["first", "second", "third"], ["a", "b", "c", "d"], **settings)  # type: ignore[arg-type]


def even(contexts: np.ndarray) -> np.ndarray:
    """int[R, m]: answers as even as can be, which no random sampler gives."""
    answers = np.empty_like(contexts)
    for run, context in np.ndindex(len(contexts), len(NULL)):
        here = np.flatnonzero(contexts[run] == context)
        answers[run, here] = np.searchsorted(np.cumsum(NULL[context]), (np.arange(len(here)) + 0.5) / max(1, len(here)))
    return answers


@pytest.mark.parametrize("name", [*LAWS, "even", "no answer"])
@pytest.mark.parametrize("changes", [{}, {"alternatives": {}}, {"effect": 0.1}, {"effect": 0.2, "floor": 64}])
def test_on_the_same_draws_it_decides_as_the_real_test(name: str, changes: dict[str, object]) -> None:
    one, runs, alpha = design(**changes), 24, 1e-3
    batches: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    random = sampler(LAWS.get(name, NULL), np.random.default_rng(1))

    def answer(numbers: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        outcomes = even(contexts) if name == "even" else random(numbers, contexts)
        if name == "no answer" and len(batches) == 2:
            outcomes[::2, -5] = -1
        batches.append((numbers, contexts, outcomes))
        return outcomes

    fast = Simulation(one, alpha).watch(answer, runs, np.random.default_rng(2), (math.log(10), math.log(30)))
    for run in range(runs):
        real, highest = SequentialTest(one, alpha), -math.inf
        for numbers, contexts, outcomes in batches:
            (row,) = np.flatnonzero(numbers == run) if run in numbers else (None,)
            assert (row is None) == (real.decision is not Decision.CONTINUE)
            if row is not None:
                assert len(real.next_contexts(np.random.default_rng(3))) == contexts.shape[1]
                real.update(contexts[row], outcomes[row])
                highest = max(highest, real.log_e)
        assert (fast.decision[run], fast.n[run]) == (real.decision, real.n)
        assert fast.log_e[run] == pytest.approx(real.log_e, abs=1e-7)
        assert all(reached[run] or highest < level or highest == math.inf for level, reached in fast.reached.items())


def test_it_asks_where_something_is_not_ruled_out_yet_as_the_real_test_does() -> None:
    """Both ask by the same function of what is ruled out; this holds them to the same state of it."""
    one, asked = design(effect=0.1, cap=4096), []
    random = sampler(NULL, np.random.default_rng(4))

    def answer(numbers: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        asked.append((contexts[0], random(numbers, contexts)[0]))
        return asked[-1][1][None]

    Simulation(one, 1e-9).watch(answer, 1, np.random.default_rng(5))
    real = SequentialTest(one, 1e-9)
    for contexts, outcomes in asked:
        shares = np.bincount(real.next_contexts(np.random.default_rng(6)), minlength=3)
        assert np.all(np.abs(shares - np.bincount(contexts, minlength=3)) <= 1)
        real.update(contexts, outcomes)
    assert real.decision is Decision.PASS


def test_a_sampler_draws_from_its_law() -> None:
    laws = np.stack([NULL, SWAPPED])
    answer = sampler(laws, np.random.default_rng(7))
    contexts = np.tile(np.repeat(np.arange(3), 20_000), (2, 1))
    outcomes = answer(np.array([1, 0]), contexts)
    for run, law in ((0, SWAPPED), (1, NULL)):
        for context in range(3):
            shares = np.bincount(outcomes[run][contexts[run] == context], minlength=4) / 20_000
            assert np.all(np.abs(shares - law[context]) <= 5 * np.sqrt(law[context] * (1 - law[context]) / 20_000))


def test_correct_samplers_cross_a_level_no_more_often_than_promised() -> None:
    """By Ville at most 1/level; four standard deviations of 4,000 runs above it are worse luck than 1 in 10,000."""
    runs, levels = 4000, {rate: math.log(1 / rate) for rate in (1e-2, 1e-3)}
    ended = Simulation(design(cap=2048), 1e-9).run(NULL, runs, np.random.default_rng(5), tuple(levels.values()))
    for rate, level in levels.items():
        assert float(ended.reached[level].mean()) <= rate + 4 * math.sqrt(rate / runs)
    assert ended.reached[levels[1e-2]].any()
    assert ended.share(Decision.FAIL) == 0


def test_importance_sampling_agrees_with_counting() -> None:
    """At a level that is reached often enough to be counted."""
    one = design(floor=512, cap=512)
    simulation = Simulation(one, 1e-2)
    rng = np.random.default_rng(6)
    counted = np.concatenate([simulation.run(NULL, 500, rng).log_e >= simulation.limit for _ in range(20)])
    weights = np.concatenate(
        [importance_weights(simulation.run(mixture(one, 500, rng), 500, rng), simulation.limit) for _ in range(8)]
    )
    plain = float(counted.mean())
    error = math.hypot(math.sqrt(plain / len(counted)), float(weights.std()) / math.sqrt(len(weights)))
    assert 0 < plain <= 1e-2
    assert abs(float(weights.mean()) - plain) < 4 * error


def test_the_mixture_is_what_the_evidence_weighs_against_the_law() -> None:
    """E is a likelihood ratio, so 1/E has mean 1 under the mixture, after any number of draws."""
    one = design(alternatives={"near": NEAR}, floor=256, cap=256)
    laws = mixture(one, 10_000, np.random.default_rng(8))
    back = np.exp(-Simulation(one, 1e-300).run(laws, 10_000, np.random.default_rng(9)).log_e)
    assert abs(back.mean() - 1) < 5 * back.std() / math.sqrt(len(back))
    assert back.std() / math.sqrt(len(back)) < 0.02


def test_every_known_mistake_is_caught_and_a_right_sampler_passes() -> None:
    found = try_check("law", [design(), design(floor=2048)], 1e-9, 600, np.random.default_rng(10))
    assert (found["null"]["runs"], found["null"]["failed"]) == (600, 0)
    assert {law["mistake"]: law["failed"] / law["runs"] for law in found["laws"]} == {"swapped": 1.0, "impossible": 1.0}
    assert found["importance"]["sum"] / found["importance"]["runs"] <= 1e-9
    large = [one for one in found["unnamed"] if one["times"] == 0.3]
    assert [one["where"] for one in large] == ["one context", "all contexts"]
    assert all(one["failed"] == one["runs"] for one in large)
    assert [level for level, _ in found["null"]["crossed"]] == [0.01, 0.001]


def test_what_a_check_promises_to_catch_hardly_ever_passes() -> None:
    found = try_check("law", [design(effect=0.2)], 1e-9, 1000, np.random.default_rng(12))
    off = {(one["where"], one["times"]): one for one in found["unnamed"]}
    whole = off["one context", 1.0]
    assert whole["failed"] + whole["undecided"] == whole["runs"] >= 50
    assert off["one context", 0.25]["failed"] < off["one context", 0.25]["runs"]


def test_a_mean_is_tried_on_the_solutions_own_answers() -> None:
    rng = np.random.default_rng(13)
    asked = MeanDesign(2.0, 0.0, 4.0, 0.3, 1e-3, 50_000, [rng.binomial(4, 0.52, 5000).astype(float)])
    values, chances = asked.law(2.0)
    assert values.tolist() == [0, 1, 2, 3, 4]
    assert values @ chances == pytest.approx(2.0)
    found = try_check("mean", [asked, asked], 1e-9, 400, rng)
    assert found["kind"] == "mean"
    assert (found["null"]["runs"], found["null"]["failed"], found["null"]["crossed"]) == (20, 0, [])
    assert [(one["where"], one["times"], one["failed"]) for one in found["unnamed"]][-1] == ("the mean", 1.5, 50)
    assert 0 < found["importance"]["sum"] / found["importance"]["runs"] <= 1e-9


def test_importance_sampling_of_a_mean_agrees_with_counting() -> None:
    rng = np.random.default_rng(14)
    asked = MeanDesign(2.0, 0.0, 4.0, 0.5, 1e-3, 2000, [np.arange(5.0)])
    weights = try_mean("mean", [asked], 0.05, 20_000, (), rng)
    plain = np.concatenate([one.log_e >= math.log(20) for one in weights["null"]]).mean()
    error = math.hypot(math.sqrt(plain / 1000), weights["importance"].std() / math.sqrt(1000))
    assert 0 < plain <= 0.05 + 4 * math.sqrt(0.05 / 1000)
    assert abs(weights["importance"].mean() - plain) < 4 * error


@pytest.mark.parametrize("where", ["one context", "all contexts"])
def test_a_deviation_is_as_large_as_it_says(where: str) -> None:
    one = design(weights=None)
    laws = deviating(one, where, 0.2, 40, np.random.default_rng(11))
    assert laws is not None
    assert np.allclose(laws.sum(axis=2), 1)
    assert not np.any(laws[:, NULL == 0])
    far = np.abs(laws - NULL).sum(axis=2) / 2
    for run in range(40):
        moved = far[run][far[run] > 1e-12]
        assert np.allclose(moved, 0.2)
        assert len(moved) == (1 if where == "one context" else 2)
        assert distance(one, laws[run]) == pytest.approx(0.2 * len(moved) / 3)


def test_where_every_answer_is_certain_nothing_can_deviate() -> None:
    certain = Design(np.array([[1.0, 0.0]]), ["only"], ["a", "b"])
    assert deviating(certain, "one context", 0.2, 3, np.random.default_rng(12)) is None
