"""What one check of a mean does, by simulation. The tests are `labkit.means.MeanTest` itself, one run at a time.

The check knows the mean of right answers, not their law: that is taken from the solution's own answers, tilted
exponentially until its mean is what the check asks for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from labkit.laws import Decision
from labkit.means import MeanTest

from worker.harness.simulation import Array, Ended

#: A test of a mean draws by the ten thousand: it gets fewer runs than a test of a law, and these per deviation.
SHARE, UNNAMED_RUNS = 0.05, 50


@dataclass
class MeanDesign:
    """A mean that a spec asks for, and the answers that the solution gave."""

    target: float
    low: float
    high: float
    effect: float
    beta: float
    cap: int
    answers: list[Array] = field(default_factory=list)

    def test(self, alpha: float) -> MeanTest:
        """A test of it."""
        return MeanTest(self.target, self.low, self.high, self.effect, alpha=alpha, beta=self.beta, cap=self.cap)

    def law(self, mean: float) -> tuple[Array, Array]:
        """(values, their chances): the law of the solution's answers tilted to this mean, strictly inside of them."""
        values, counts = np.unique(np.concatenate(self.answers), return_counts=True)
        scaled = (values - self.low) / (self.high - self.low)
        wanted = (mean - self.low) / (self.high - self.low)
        low, high = -500.0, 500.0
        for _ in range(200):
            tilt = (low + high) / 2
            exponent = tilt * scaled
            chances = counts * np.exp(exponent - exponent.max())
            chances = chances / chances.sum()
            low, high = (tilt, high) if chances @ scaled < wanted else (low, tilt)
        return values, chances


def try_mean(
    name: str, designs: Sequence[MeanDesign], alpha: float, runs: int, sizes: Sequence[float], rng: np.random.Generator
) -> dict[str, Any]:
    """One check over the means that a spec asked for; `sizes` in units of the check's effect."""
    each = max(1, math.ceil(SHARE * runs / len(designs)))
    right = [_run(design, alpha, [design.law(design.target)] * each, rng) for design in designs]
    mixed = [_run(design, alpha, _mixture(design, alpha, each, rng), rng) for design in designs]
    limit = math.log(1 / alpha)
    weights = np.concatenate([np.where(one.log_e >= limit, np.exp(-one.log_e), 0.0) for one in mixed])
    first = designs[0]
    return {
        "check": name, "kind": "mean", "designs": len(designs), "alpha": alpha, "beta": first.beta,
        "effect": first.effect, "floor": first.test(alpha).floor, "cap": first.cap,
        "null": right, "importance": weights, "laws": [],
        "unnamed": [("the mean", size, _off(designs, alpha, size, rng)) for size in sizes],
    }  # fmt: skip


def _off(designs: Sequence[MeanDesign], alpha: float, size: float, rng: np.random.Generator) -> list[Ended]:
    """Samplers whose mean is off, up or down, by so many times the effect."""
    each = max(1, math.ceil(UNNAMED_RUNS / len(designs)))
    ended = []
    for design in designs:
        sides = [design.law(design.target + side * size * design.effect) for side in (-1, 1)]
        ended.append(_run(design, alpha, [sides[side] for side in rng.integers(2, size=each)], rng))
    return ended


def _mixture(design: MeanDesign, alpha: float, runs: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """The laws whose likelihood ratios to the right one are what capital is staked on: their mean is the evidence."""
    values, chances = design.law(design.target)
    off = (values - design.target) / (design.high - design.low)
    sides = design.test(alpha).stakes
    laws = []
    for _ in range(runs):
        stake = rng.choice(sides[rng.integers(2)])
        tilted = chances * (1 + stake * off)
        laws.append((values, tilted / tilted.sum()))
    return laws


def _run(design: MeanDesign, alpha: float, laws: Sequence[tuple[Array, Array]], rng: np.random.Generator) -> Ended:
    """One test for each of the samplers."""
    tests = []
    for values, chances in laws:
        test = design.test(alpha)
        upper = np.cumsum(chances)[:-1]
        while test.decision is Decision.CONTINUE:
            test.update(values[np.searchsorted(upper, rng.random(test.next_size()), side="right")])
        tests.append(test)
    return Ended(
        np.array([test.decision for test in tests], dtype=object),
        np.array([test.n for test in tests]),
        np.array([test.log_e for test in tests]),
    )
