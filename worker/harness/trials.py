"""What the statistical checks of a lab do, by simulation: to right samplers, to known mistakes, to what nobody named.

Everything told is counts and sums, so that several processes' shares can be added up (grader.domain.calibrating).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from labkit.laws import Decision, Design

from worker.harness.deviations import WHERE, deviating, distance, mixture
from worker.harness.mean_trials import MeanDesign, try_mean
from worker.harness.simulation import Array, Ended, Simulation

#: Evidence that a correct sampler reaches at most this often, at any time (Ville): often enough to be counted.
LEVELS = (0.01, 0.001)
#: Tests simulated at once: bounds the memory.
TOGETHER = 200
#: Shares of the runs of a right sampler that are spent on each known mistake and on each unnamed deviation.
MISTAKE_SHARE, UNNAMED_SHARE = 0.05, 0.05
#: Sizes of deviations that nobody named: times what a check promises to catch, or times 1 where it promises nothing.
OF_EFFECT = (0.25, 0.5, 0.75, 1.0, 1.5)
SIZES = (0.05, 0.1, 0.15, 0.2, 0.3)


def try_check(
    name: str, designs: Sequence[Design | MeanDesign], alpha: float, runs: int, rng: np.random.Generator
) -> dict[str, Any]:
    """One check over the designs that a spec made for it: `runs` right samplers, and shares of that for wrong ones."""
    means = [design for design in designs if isinstance(design, MeanDesign)]
    laws = [design for design in designs if isinstance(design, Design)]
    found = try_mean(name, means, alpha, runs, OF_EFFECT, rng) if means else try_law(name, laws, alpha, runs, rng)
    weights = found["importance"]
    return found | {
        "null": _null(found["null"]),
        "importance": {
            "runs": len(weights), "sum": float(weights.sum()), "squares": float(np.square(weights).sum())
        },
        "unnamed": [
            {"where": where, "times": times, **_counted(ended),
             "by_floor": sum(int(np.sum(one.draws(Decision.FAIL) <= found["floor"])) for one in ended)}
            for where, times, ended in found["unnamed"] if ended
        ],
    }  # fmt: skip


def try_law(
    name: str, designs: Sequence[Design], alpha: float, runs: int, rng: np.random.Generator
) -> dict[str, Any]:  # fmt: skip
    """One check of a law; how the tests ended is not counted yet."""
    tests = [Simulation(design, alpha) for design in designs]
    shares = {test: share for test, share in zip(tests, _split(runs, len(tests)), strict=True) if share}
    levels = tuple(math.log(1 / level) for level in LEVELS)
    first = designs[0]
    return {
        "check": name, "kind": "law", "designs": len(designs), "alpha": alpha, "beta": first.beta,
        "effect": first.effect, "floor": first.floor, "cap": first.cap,
        "null": [test.run(test.design.null, n, rng, levels) for test, share in shares.items() for n in _pieces(share)],
        "importance": _importance(shares, rng),
        "laws": _mistakes(shares, rng),
        "unnamed": [
            (where, times, _unnamed(shares, where, times * (first.effect or 1.0), rng))
            for where in WHERE for times in (OF_EFFECT if first.effect else SIZES)
        ],
    }  # fmt: skip


def _split(runs: int, parts: int) -> list[int]:
    return [runs // parts + (i < runs % parts) for i in range(parts)]


def _pieces(runs: int) -> list[int]:
    return [min(TOGETHER, runs - done) for done in range(0, runs, TOGETHER)]


def _histogram(draws: Array) -> list[list[int]]:
    """[draws, how often], by draws."""
    return [[int(n), count] for n, count in sorted(Counter(draws.tolist()).items())]


def _null(ended: Sequence[Ended]) -> dict[str, Any]:
    """Samplers that follow the law."""
    reached: Counter[float] = Counter()
    for one in ended:
        for at, which in one.reached.items():
            reached[at] += int(which.sum())
    return _counted(ended) | {
        "draws": _histogram(np.concatenate([one.draws(Decision.PASS) for one in ended])),
        "crossed": [[level, reached[at]] for level in LEVELS if (at := math.log(1 / level)) in reached],
    }


def _counted(ended: Sequence[Ended]) -> dict[str, int]:
    decisions = np.concatenate([one.decision for one in ended])
    return {
        "runs": len(decisions),
        "failed": int(np.sum(decisions == Decision.FAIL)),
        "undecided": int(np.sum(decisions == Decision.INCONCLUSIVE)),
    }


def _importance(shares: dict[Simulation, int], rng: np.random.Generator) -> Array:
    """float[R]: what the chance that a right sampler fails is the mean of, by importance sampling.

    E is the likelihood ratio of `mixture` to the law, so P(E reaches the limit before the test stops) is the mean of
    1/E there over runs that follow the mixture; what the law makes impossible adds nothing.
    """
    return np.concatenate(
        [
            importance_weights(test.run(mixture(test.design, n, rng), n, rng), test.limit)
            for test, share in shares.items()
            for n in _pieces(share)
        ]
    )


def importance_weights(ended: Ended, limit: float) -> Array:
    """float[R]: 1/E where a run of the mixture reached `limit`, else 0."""
    return np.where(ended.log_e >= limit, np.exp(-ended.log_e), 0.0)


def _mistakes(shares: dict[Simulation, int], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Each known mistake by its exact law, over the designs that name it."""
    found = []
    for mistake in dict.fromkeys(name for test in shares for name in test.design.alternatives):
        named = {test: test.design.alternatives[mistake] for test in shares if mistake in test.design.alternatives}
        ended = [test.run(law, _part(MISTAKE_SHARE, shares[test]), rng) for test, law in named.items()]
        draws = _histogram(np.concatenate([one.draws(Decision.FAIL) for one in ended]))
        distances = sum(distance(test.design, law) for test, law in named.items())
        found.append(
            {"mistake": mistake, **_counted(ended), "draws": draws, "designs": len(named), "distances": distances}
        )
    return found


def _unnamed(shares: dict[Simulation, int], where: str, size: float, rng: np.random.Generator) -> list[Ended]:
    """Deviations that no named mistake describes; none where no design leaves room for one."""
    ended = []
    for test, share in shares.items():
        runs = _part(UNNAMED_SHARE, share)
        laws = deviating(test.design, where, size, runs, rng)
        if laws is not None:
            ended.append(test.run(laws, runs, rng))
    return ended


def _part(share: float, runs: int) -> int:
    return max(1, math.ceil(share * runs))
