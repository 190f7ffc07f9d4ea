"""Sequential tests of random samplers, with a stated error budget.

The spec chooses contexts (for example: which pair of distributions and which draft), watches outcomes, and knows the
exact law of both a correct implementation and the named mistakes. Evidence against the correct law is an e-process,
looked at after each draw (labkit.mixture): a correct sampler fails with probability alpha at most, by Ville's
inequality, at any stopping time and with no asymptotics (Ramdas, Grünwald, Vovk, Shafer, arXiv 2210.01948; the
omnibus half is the anytime-valid multinomial test of Lindon and Malek, arXiv 2011.03567).

A sampler passes once `floor` draws were seen, every named mistake is excluded at `beta`, and so is every share that is
off by `effect` (labkit.shifts): each of these passes with probability beta at most. At `cap` draws without either
verdict it stays undecided. A hundredth of alpha is for answers too even to be random (labkit.evenness).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from labkit.evenness import log_evenness
from labkit.findings import Evidence, Seen, State, evidence_of
from labkit.mixture import KAPPAS as KAPPAS
from labkit.mixture import Mixture
from labkit.shifts import Shifts

BATCH = 512
FIRST_BATCH = 64
#: A batch above BATCH is at most this part of all draws before it.
GROWTH = 8
#: How often a context is asked once nothing is left to rule out there, of how often it was.
WORTH_WHEN_SETTLED = 0.1
#: Draws after a failure, to tell which mistake it is: near twins differ late.
NAMING_DRAWS = 2048
#: The part of alpha spent on shares too even to be random: hard-coded answers, not draws.
FOR_EVENNESS = 0.01


class Decision(Enum):
    """Where a sequential test stands."""

    CONTINUE = "continue"
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Design:
    """What is asked and what a correct sampler answers.

    null: float[C, K], row c the law of the outcome in context c. alternatives: the same under each named mistake.
    contexts, outcomes: their labels, for messages. weights: how often each context is asked (default: evenly).
    effect: how far off any one share of any one context must be to be worth catching. beta: how often a named mistake
    or such a share may pass; a spec leaves it to the lab's budget.
    """

    null: np.ndarray
    contexts: Sequence[str]
    outcomes: Sequence[str]
    alternatives: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray | None = None
    beta: float = 1e-6
    floor: int = 1024
    cap: int = 20480
    effect: float | None = None

    def __post_init__(self) -> None:
        for name, law in {"null": self.null, **self.alternatives}.items():
            if law.shape != self.null.shape or np.any(law < 0) or not np.allclose(law.sum(axis=1), 1.0, atol=1e-9):
                raise ValueError(f"law {name!r} is not a table of {self.null.shape} probabilities")

    @property
    def context_weights(self) -> np.ndarray:
        """float[C], sums to 1."""
        weights = np.ones(len(self.null)) if self.weights is None else np.asarray(self.weights, float)
        return np.asarray(weights / weights.sum())

    def sample_contexts(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """int[size]: contexts by their weights, each within one of its share, in random order."""
        return np.asarray(spread(self.context_weights[None], size, rng)[0])

    def draws_to_exclude(self, alternative: str) -> float:
        """Expected draws until a correct sampler excludes the mistake at `beta`; inf where it never does."""
        p, a = self.null, self.alternatives[alternative]
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(p > 0, p * (np.log(p) - np.log(a)), 0.0)
        rate = float(self.context_weights @ terms.sum(axis=1))
        return math.log(1 / self.beta) / rate if rate > 1e-12 else math.inf

    @property
    def required(self) -> list[str]:
        """The named mistakes that must be excluded for a pass: those that can be in time."""
        return [name for name in self.alternatives if self.draws_to_exclude(name) < self.cap / 2]


def limits(alpha: float) -> tuple[float, float]:
    """The logs at which the evidence against the law, and that of evenness, fail a sampler: together at most alpha."""
    return -math.log((1 - FOR_EVENNESS) * alpha), -math.log(FOR_EVENNESS * alpha)


def next_size(n: int, cap: int) -> int:
    """The draws to ask for after n. Early batches are small: most mistakes show in the first draws."""
    return min(max(BATCH, n // GROWTH), max(FIRST_BATCH, n), cap - n)


def asked_next(weights: np.ndarray, ruled_out: np.ndarray) -> np.ndarray:
    """float[R, C]: how often to ask each context next, of `weights`, float[C], and `ruled_out`, bool[R, C, K, S].

    Where everything is ruled out an answer is worth less, but still something: named mistakes may show there.
    """
    settled = np.all(ruled_out, axis=(2, 3))
    asked = weights * np.where(settled & ~np.all(settled, axis=1, keepdims=True), WORTH_WHEN_SETTLED, 1.0)
    return np.asarray(asked / asked.sum(axis=1, keepdims=True))


def spread(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """int[R, size]: contexts by their weights, float[R, C], each within one of its share, in random order."""
    places = (np.arange(size) + rng.random((len(weights), 1))) / max(1, size)
    shares = np.cumsum(weights, axis=1)[:, None, :-1]
    return np.asarray(rng.permuted(np.sum(places[:, :, None] >= shares, axis=2), axis=1))


class SequentialTest:
    """Feeds on (context, outcome) pairs until it decides.

    `counts` are what it decides by. `drawn` counts all draws, for pictures: those after the verdict too, and in its
    last column the answers outside the outcomes.
    """

    def __init__(self, design: Design, alpha: float) -> None:
        self.design = design
        self.alpha = alpha
        self.n = 0
        self.drawn = np.zeros((len(design.null), len(design.outcomes) + 1), dtype=np.int64)
        self.decision = Decision.CONTINUE
        self.impossible: tuple[int, int] | None = None
        self.log_e = 0.0
        self._order: list[tuple[np.ndarray, np.ndarray]] = []
        self._log_evenness = 0.0
        self._limit, self._even_limit = limits(alpha)
        self._margin = math.log(1 / design.beta)
        required = design.required
        self._required = [i for i, name in enumerate(design.alternatives) if name in required]
        self._standing = Mixture(design.null, list(design.alternatives.values())).begin()
        self._shifts = Shifts(design.null, design.effect)
        self._ruled_out = self._shifts.ruled_out(self._standing.counts, self._margin)

    @property
    def counts(self) -> np.ndarray:
        """int[C, K]"""
        return np.asarray(self._standing.counts[0])

    def next_contexts(self, rng: np.random.Generator) -> np.ndarray:
        """int[m]: the contexts to ask next, those most where something is not ruled out yet."""
        weights = asked_next(self.design.context_weights, self._ruled_out)
        return np.asarray(spread(weights, next_size(self.n, self.design.cap), rng)[0])

    def update(self, contexts: np.ndarray, outcomes: np.ndarray) -> None:
        """Take one batch into account and decide, at the first draw that decides; what is beyond is only looked on."""
        outside = np.flatnonzero((outcomes < 0) | (self.design.null[contexts, outcomes] == 0))
        possible = int(outside[0]) if outside.size else len(contexts)
        used = self._take(contexts[:possible], outcomes[:possible])
        if used == possible < len(contexts) and self.log_e < self._limit:
            self.impossible = (int(contexts[possible]), int(outcomes[possible]))
            self.log_e = math.inf
            used += 1
        self.n += used
        self._order.append((contexts, outcomes))
        np.add.at(self.drawn, (contexts, outcomes), 1)
        self.decision = self._decide()

    def _take(self, contexts: np.ndarray, outcomes: np.ndarray) -> int:
        """Take possible draws into account, up to the one that decides; how many that were."""
        if not len(contexts):
            return 0
        before = self._standing.only(np.array([0]))
        first, log_e = self._standing.take(contexts[None], outcomes[None], self._limit)
        self.log_e = float(log_e[0])
        used = len(contexts)
        if first[0] >= 0:
            used = int(first[0]) + 1
            self._standing = before
            self._standing.take(contexts[None, :used], outcomes[None, :used], math.inf)
        else:
            counts = self._standing.counts - before.counts
            self._log_evenness += float(log_evenness(self.design.null, counts)[0])
        return used

    def look_on(self, contexts: np.ndarray, outcomes: np.ndarray) -> None:
        """Count draws after the verdict: they change nothing but which mistake it is named after."""
        self._order.append((contexts, outcomes))
        np.add.at(self.drawn, (contexts, outcomes), 1)

    def _decide(self) -> Decision:
        if self.log_e >= self._limit or self._log_evenness >= self._even_limit:
            return Decision.FAIL
        self._ruled_out |= self._shifts.ruled_out(self._standing.counts, self._margin)
        if self.n < self.design.floor:
            return Decision.CONTINUE
        if not self._left() and self._ruled_out.all():
            return Decision.PASS
        return Decision.INCONCLUSIVE if self.n >= self.design.cap else Decision.CONTINUE

    def _left(self) -> list[str]:
        """The named mistakes still to be excluded. Once excluded is excluded: the bound holds at all draws together."""
        names = list(self.design.alternatives)
        return [names[i] for i in self._required if self._standing.lowest[0, i] > -self._margin]

    def draws(self) -> tuple[np.ndarray, np.ndarray]:
        """(contexts, outcomes) of all draws, those after the verdict too, int[n] each, in order; -1 is no outcome."""
        if not self._order:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        return np.concatenate([c for c, _ in self._order]), np.concatenate([o for _, o in self._order])

    def worst_cell(self) -> tuple[int, int, float]:
        """The context and outcome furthest from the law in all draws, with their z-score; an impossible one first.

        Its outcome is -1 where it is outside the outcomes.
        """
        return self._seen().worst()

    def _seen(self) -> Seen:
        return Seen(self.design.null, self.drawn, self.impossible)

    def evidence(self) -> Evidence:
        """The numbers and sentences of the state reached."""
        open_shifts = np.flatnonzero(~self._ruled_out[0].all(axis=(1, 2)))
        state = State(
            n=self.n,
            log10_e=self.log_e / math.log(10),
            limit_log10=self._limit / math.log(10),
            too_even=self.decision is Decision.FAIL and self.log_e < self._limit,
            left=[*self._left(), *(f"an answer to “{self.design.contexts[int(c)]}”" for c in open_shifts)],
        )
        return evidence_of(self.design, self._seen(), state)
