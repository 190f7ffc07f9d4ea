"""Many sequential tests at once: what `labkit.laws.SequentialTest` decides, many times as fast.

Evidence, batches, contexts and limits are labkit's own, which take many samplers at a time; only the order of decisions
is written here a second time. A test of ours holds both to the same draws.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from labkit.evenness import log_evenness
from labkit.laws import Decision, Design, asked_next, limits, next_size, spread
from labkit.mixture import Mixture
from labkit.shifts import Shifts

Array = np.ndarray
#: Contexts to outcomes, int[R, m] each, of the samplers whose numbers are given: int[R].
Answer = Callable[[Array, Array], Array]

#: A draw this close to 1 would be the next context's: no chance is smaller by as much.
_BELOW_ONE = 1 - 1e-9


@dataclass(frozen=True)
class Ended:
    """How each of R tests ended. decision: object[R] of Decision; n: int[R], draws until then; log_e: float[R] then,
    inf after an impossible outcome; reached: for each level asked, bool[R], whether log E was that much at any draw."""

    decision: Array
    n: Array
    log_e: Array
    reached: dict[float, Array] = field(default_factory=dict)

    def share(self, decision: Decision) -> float:
        """The share of tests that ended so."""
        return float(np.mean(self.decision == decision))

    def draws(self, decision: Decision) -> Array:
        """int[·]: the draws of the tests that ended so."""
        return np.asarray(self.n[self.decision == decision])


class Simulation:
    """Tests of one design at one false-fail rate."""

    def __init__(self, design: Design, alpha: float) -> None:
        self.design = design
        self.limit, self._even_limit = limits(alpha)
        self._margin = math.log(1 / design.beta)
        self._mixture = Mixture(design.null, list(design.alternatives.values()))
        self._shifts = Shifts(design.null, design.effect)
        names, required = list(design.alternatives), design.required
        self._required = [number for number, name in enumerate(names) if name in required]

    def run(self, law: Array, runs: int, rng: np.random.Generator, levels: tuple[float, ...] = ()) -> Ended:
        """`runs` tests of a sampler with `law`: float[C, K], or float[runs, C, K] for a law of its own in each.

        levels: logs of evidence to tell of, whether a test's was ever as large, each below the limit.
        """
        return self.watch(sampler(law, rng), runs, rng, levels)

    def watch(self, answer: Answer, runs: int, rng: np.random.Generator, levels: tuple[float, ...] = ()) -> Ended:
        """The same of any samplers."""
        going = _Going(self, runs, levels)
        while going.left.size:
            contexts = going.ask(rng)
            going.take(contexts, answer(going.left, contexts))
        return going.ended


class _Going:
    """Tests under way: all that still draw, `left`, have drawn equally much, `n`."""

    def __init__(self, simulation: Simulation, runs: int, levels: tuple[float, ...]) -> None:
        self._simulation = simulation
        self._design = simulation.design
        self.n = 0
        self.left = np.arange(runs)
        self._standing = simulation._mixture.begin(runs)
        self._ruled_out = simulation._shifts.ruled_out(self._standing.counts, simulation._margin)
        self._evenness = np.zeros(runs)
        reached = {level: np.zeros(runs, dtype=bool) for level in levels}
        self.ended = Ended(
            np.full(runs, Decision.CONTINUE, dtype=object), np.zeros(runs, dtype=np.int64), np.zeros(runs), reached
        )

    def ask(self, rng: np.random.Generator) -> Array:
        """int[R, m]: what the tests that are left ask next."""
        weights = asked_next(self._design.context_weights, self._ruled_out)
        return spread(weights, next_size(self.n, self._design.cap), rng)

    def take(self, contexts: Array, outcomes: Array) -> None:
        """One batch: int[R, m] each, an outcome of -1 is none that the design has."""
        simulation, size = self._simulation, contexts.shape[1]
        impossible = (outcomes < 0) | (self._design.null[contexts, outcomes] == 0)
        stopped = np.where(impossible.any(axis=1), impossible.argmax(axis=1), size)
        # what comes behind an impossible outcome is not looked at; that it can be keeps the evidence finite
        likeliest = self._design.null.argmax(axis=1)[contexts]
        outcomes = np.where(np.arange(size) < stopped[:, None], outcomes, likeliest)
        counts = self._standing.counts.copy()
        first, log_e = self._crossings(contexts, outcomes, stopped)
        crossed, broken = first >= 0, stopped < size
        used = np.where(crossed, first + 1, np.where(broken, stopped + 1, size))
        log_e = np.where(broken & ~crossed, math.inf, log_e)
        self._evenness += log_evenness(self._design.null, self._standing.counts - counts)
        failed = crossed | broken | (self._evenness >= simulation._even_limit)
        self.ended.n[self.left] = self.n + used
        self.ended.log_e[self.left] = log_e
        self.n += size
        self._decide(failed)

    def _crossings(self, contexts: Array, outcomes: Array, stopped: Array) -> tuple[Array, Array]:
        """(int[R]: the draw at which the evidence fails a test, or -1; float[R]: its log there, else at the end)."""
        limit = self._simulation.limit
        before = self._standing.only(np.arange(len(self.left)))
        lowest = min([limit, *self.ended.reached])
        first, log_e = self._standing.take(contexts, outcomes, lowest)
        first = np.where(first < stopped, first, -1)
        high = np.flatnonzero(first >= 0)
        if not high.size or lowest == limit:
            return first, log_e
        for level, reached in self.ended.reached.items():
            at, _ = before.only(high).take(contexts[high], outcomes[high], level)
            reached[self.left[high]] |= (at >= 0) & (at < stopped[high])
        at, there = before.only(high).take(contexts[high], outcomes[high], limit)
        first[high] = np.where(at < stopped[high], at, -1)
        log_e[high] = there
        return first, log_e

    def _decide(self, failed: Array) -> None:
        simulation = self._simulation
        self._ruled_out |= simulation._shifts.ruled_out(self._standing.counts, simulation._margin)
        excluded = (self._standing.lowest[:, simulation._required] <= -simulation._margin).all(axis=1)
        passed = ~failed & excluded & self._ruled_out.all(axis=(1, 2, 3)) & (self.n >= self._design.floor)
        undecided = ~failed & ~passed & (self.n >= self._design.cap)
        for which, decision in ((failed, Decision.FAIL), (passed, Decision.PASS), (undecided, Decision.INCONCLUSIVE)):
            self.ended.decision[self.left[which]] = decision
        kept = ~(failed | passed | undecided)
        self.left = self.left[kept]
        self._standing = self._standing.only(kept)
        self._ruled_out, self._evenness = self._ruled_out[kept], self._evenness[kept]


def sampler(law: Array, rng: np.random.Generator) -> Answer:
    """Draws from `law`: float[C, K], or float[R, C, K] for each sampler its own."""
    contexts, outcomes = law.shape[-2:]
    # where a context's own share of 0 … 1 begins: one table serves all contexts of all samplers
    upper = np.cumsum(law, axis=-1)
    upper = np.where(upper >= upper[..., -1:] * (1 - 1e-12), 1.0, upper)
    table = (upper.reshape(-1, outcomes) + np.arange(upper.size // outcomes)[:, None]).ravel()

    def answer(numbers: Array, asked: Array) -> Array:
        row = asked if law.ndim == 2 else numbers[:, None] * contexts + asked
        place = row + rng.random(asked.shape) * _BELOW_ONE
        return np.asarray(np.searchsorted(table, place, side="right") - row * outcomes)

    return answer
