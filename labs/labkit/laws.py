"""Sequential tests of random samplers, with a stated error budget.

The spec chooses contexts (for example: which pair of distributions and which draft), watches outcomes, and knows the
exact law of both a correct implementation and the named mistakes. Evidence against the correct law is an e-process:

    E = 1/2 · (mean over named mistakes of likelihood ratio)  +  1/2 · (Dirichlet mixtures around the null, omnibus)

By Ville's inequality P(sup E >= 1/alpha) <= alpha for a correct sampler at any stopping time, with no asymptotics
(Ramdas, Grünwald, Vovk, Shafer, arXiv 2210.01948). The omnibus half is the anytime-valid multinomial test of
Lindon and Malek (arXiv 2011.03567). A sampler passes when every named mistake has been excluded at `beta` and
at least `floor` draws were seen; at `cap` draws without either it stays undecided.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

KAPPAS = (4.0, 64.0)
BATCH = 512
#: Draws after a failure, to tell which mistake it is: near twins differ late.
NAMING_DRAWS = 2048
#: Two mistakes whose likelihoods are within this factor are both named.
TWINS = 20.0
#: Chernoff bound below which observed frequencies are too even to be random: hard-coded answers, not draws.
TOO_REGULAR = 1e-12


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
    """

    null: np.ndarray
    contexts: Sequence[str]
    outcomes: Sequence[str]
    alternatives: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray | None = None
    beta: float = 1e-6
    floor: int = 4096
    cap: int = 20480

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
        """int[size]: contexts drawn by their weights."""
        weights = self.context_weights
        return rng.choice(len(weights), size=size, p=weights)

    def draws_to_exclude(self, alternative: str) -> float:
        """Expected draws until a correct sampler excludes the mistake at `beta`; inf where it never does."""
        p, a = self.null, self.alternatives[alternative]
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(p > 0, p * (np.log(p) - np.log(a)), 0.0)
        rate = float(self.context_weights @ terms.sum(axis=1))
        return math.log(1 / self.beta) / rate if rate > 1e-12 else math.inf


@dataclass(frozen=True)
class Evidence:
    """What a finished test says, in numbers for the report and in sentences for the student."""

    log10_e: float
    limit_log10: float
    sigmas: float
    detectable: str
    given: str
    expected: str
    sentence: str
    likely: tuple[str, ...]


class SequentialTest:
    """Feeds on (context, outcome) pairs until it decides.

    `counts` are what it decides by. `drawn` counts all draws, for pictures: those after the verdict too, and in its
    last column the answers outside the outcomes.
    """

    def __init__(self, design: Design, alpha: float) -> None:
        self.design = design
        self.alpha = alpha
        self.n = 0
        self.counts = np.zeros(design.null.shape, dtype=np.int64)
        self._named_counts = self.counts.copy()
        self.drawn = np.zeros((len(design.null), len(design.outcomes) + 1), dtype=np.int64)
        self._chi_square = 0.0
        self._degrees = 0
        self.decision = Decision.CONTINUE
        self.impossible: tuple[int, int] | None = None
        self.log_e = 0.0
        self._required = [a for a in design.alternatives if design.draws_to_exclude(a) < design.cap / 2]
        with np.errstate(divide="ignore"):
            self._log_null = np.log(design.null)
            self._log_alt = {name: np.log(law) for name, law in design.alternatives.items()}

    def next_contexts(self, rng: np.random.Generator) -> np.ndarray:
        """int[m]: the contexts to ask next. Early batches are small: most mistakes show in the first draws."""
        size = min(max(BATCH, self.n // 4), max(64, self.n), self.design.cap - self.n)
        return self.design.sample_contexts(rng, size)

    def update(self, contexts: np.ndarray, outcomes: np.ndarray) -> None:
        """Take one batch into account and decide."""
        outside = np.flatnonzero((outcomes < 0) | (self.design.null[contexts, outcomes] == 0))
        if outside.size:
            first = int(outside[0])
            contexts, outcomes = contexts[: first + 1], outcomes[: first + 1]
            self.impossible = (int(contexts[-1]), int(outcomes[-1]))
        seen = outcomes >= 0
        np.add.at(self.counts, (contexts[seen], outcomes[seen]), 1)
        np.add.at(self.drawn, (contexts, outcomes), 1)
        self.n += len(contexts)
        if self.impossible is None:
            self._weigh_regularity(contexts, outcomes)
        self.decision = self._decide()

    def look_on(self, contexts: np.ndarray, outcomes: np.ndarray) -> None:
        """Count draws after the verdict: they change nothing but which mistake it is named after."""
        seen = outcomes >= 0
        np.add.at(self._named_counts, (contexts[seen], outcomes[seen]), 1)
        np.add.at(self.drawn, (contexts, outcomes), 1)

    def _decide(self) -> Decision:
        if self.impossible is not None:
            self.log_e = math.inf
            return Decision.FAIL
        null = _log_likelihood(self.counts, self._log_null)
        self.log_e = self._e_process(null)
        if self.log_e >= math.log(1 / self.alpha):
            return Decision.FAIL
        if self.n < self.design.floor:
            return Decision.CONTINUE
        if self._too_regular():
            return Decision.FAIL
        margin = math.log(1 / self.design.beta)
        if all(null - _log_likelihood(self.counts, self._log_alt[a]) >= margin for a in self._required):
            return Decision.PASS
        return Decision.INCONCLUSIVE if self.n >= self.design.cap else Decision.CONTINUE

    def _e_process(self, null: float) -> float:
        named = [_log_likelihood(self.counts, law) - null for law in self._log_alt.values()]
        omnibus = self._omnibus()
        return float(_log_mean([omnibus, _log_mean(named)])) if named else omnibus

    def _omnibus(self) -> float:
        """Mean of the Dirichlet mixtures, over all contexts together and over each context alone."""
        together, alone = [], []
        for kappa in KAPPAS:
            rows = np.array([self._row_evidence(c, kappa) for c in range(len(self.counts))])
            together.append(float(rows.sum()))
            alone.append(_log_mean(list(rows)))
        return _log_mean([_log_mean(together), _log_mean(alone)])

    def _row_evidence(self, context: int, kappa: float) -> float:
        support = self.design.null[context] > 0
        prior = kappa * self.design.null[context][support]
        counts = self.counts[context][support]
        total = int(counts.sum())
        if total == 0:
            return 0.0
        value = math.lgamma(kappa) - math.lgamma(kappa + total)
        for a, n in zip(prior, counts, strict=True):
            if n:
                value += math.lgamma(a + n) - math.lgamma(a)
        return value - float(np.sum(counts * self._log_null[context][support]))

    def _weigh_regularity(self, contexts: np.ndarray, outcomes: np.ndarray) -> None:
        """Add one batch's chi-square statistic and degrees of freedom, over cells that can be expected 20 times."""
        counts = np.zeros_like(self.counts)
        np.add.at(counts, (contexts, outcomes), 1)
        expected = counts.sum(axis=1, keepdims=True) * self.design.null
        usable = expected >= 20
        self._chi_square += float(np.sum((counts[usable] - expected[usable]) ** 2 / expected[usable]))
        self._degrees += int(np.sum(np.maximum(usable.sum(axis=1) - 1, 0)))

    def _too_regular(self) -> bool:
        """Whether the batches' chi-square is far below its degrees of freedom: P(X <= t·d) <= (t·e^(1-t))^(d/2)."""
        if self._degrees < 8:
            return False
        t = max(self._chi_square / self._degrees, 1e-12)
        return t < 1 and self._degrees / 2 * (math.log(t) + 1 - t) < math.log(TOO_REGULAR)

    def evidence(self) -> Evidence:
        """The numbers and sentences of the state reached."""
        context, outcome, sigmas = self.worst_cell()
        asked = int(self.counts[context].sum())
        p = self.design.null[context, outcome] if outcome >= 0 else 0.0
        label = self.design.outcomes[outcome] if outcome >= 0 else "an answer that is not possible at all"
        if self.impossible is not None:
            expected = f"never {label}: a correct implementation cannot return it here"
            sentence = f"{label}, after {self.n:,} draws"
        else:
            share = self.counts[context, outcome] / max(1, asked)
            spread = math.sqrt(p * (1 - p) / max(1, asked))
            expected = f"{label} in {p:.1%} ± {spread:.1%} of the draws"
            sentence = f"{label} in {share:.1%} of {asked:,} draws, {sigmas:.1f} standard deviations off"
            if self.decision is Decision.FAIL and self._too_regular():
                sentence += "; all shares are far more even than random draws ever are"
        limit = math.log10(1 / self.alpha)
        return Evidence(
            log10_e=min(self.log_e / math.log(10), 300.0),
            limit_log10=limit,
            sigmas=round(sigmas, 2),
            detectable=self._detectable(),
            given=self.design.contexts[context],
            expected=expected,
            sentence=sentence,
            likely=self._likely(),
        )

    def worst_cell(self) -> tuple[int, int, float]:
        """The context and outcome furthest from the law, with their z-score; an impossible answer is outcome -1."""
        if self.impossible is not None:
            return *self.impossible, 0.0
        asked = self.counts.sum(axis=1, keepdims=True)
        p = self.design.null
        spread = np.sqrt(asked * p * (1 - p))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(spread > 0, np.abs(self.counts - asked * p) / spread, 0.0)
        z = np.where(asked * p >= 1, z, 0.0)
        context, outcome = np.unravel_index(int(np.argmax(z)), z.shape)
        return int(context), int(outcome), float(z[context, outcome])

    def _likely(self) -> tuple[str, ...]:
        """The named mistake that explains the outcomes best, with a near twin; empty where none explains them."""
        if self.impossible is not None and self.impossible[1] < 0:
            return ()  # no law in the design has such an answer
        counts = self.counts + self._named_counts
        scores = {name: _log_likelihood(counts, law) for name, law in self._log_alt.items()}
        if self.impossible is None:
            scores[""] = _log_likelihood(counts, self._log_null)
        best = max(scores.values(), default=-math.inf)
        if best == -math.inf:
            return ()
        fitting = sorted((n for n in scores if best - scores[n] < math.log(TWINS)), key=lambda n: -scores[n])
        return () if "" in fitting else tuple(fitting[:2])

    def _detectable(self) -> str:
        return (
            f"{len(self._required)} named mistakes, each missed at most once in {1 / self.design.beta:,.0f} runs; "
            f"unnamed ones by the evidence of {self.design.floor:,} draws or more"
        )


def _log_likelihood(counts: np.ndarray, log_law: np.ndarray) -> float:
    seen = counts > 0
    return float(np.sum(counts[seen] * log_law[seen]))


def _log_mean(values: Sequence[float]) -> float:
    top = max(values)
    if top in (math.inf, -math.inf):
        return top
    return top + math.log(sum(math.exp(v - top) for v in values) / len(values))
