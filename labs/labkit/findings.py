"""What a sequential test found, in numbers for the report and in sentences for the student."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from labkit.mixture import log_likelihood, omnibus
from labkit.wording import CERTAIN, runs

Array = np.ndarray

#: Two mistakes whose likelihoods are within this factor are both named.
TWINS = 20.0
#: Evidence against a mistake's own law from which on it is not what was made, however near it is.
NOT_THIS = 1e3


@dataclass(frozen=True)
class Evidence:
    """What a finished test says. `needed` is what would have been needed to pass; `likely` names known mistakes."""

    log10_e: float
    limit_log10: float
    sigmas: float
    detectable: str
    given: str
    expected: str
    sentence: str
    needed: str
    likely: tuple[str, ...]


class Asked(Protocol):
    """What a finding needs to know of labkit.laws.Design."""

    @property
    def null(self) -> Array: ...
    @property
    def contexts(self) -> Sequence[str]: ...
    @property
    def outcomes(self) -> Sequence[str]: ...
    @property
    def alternatives(self) -> Mapping[str, Array]: ...
    @property
    def beta(self) -> float: ...
    @property
    def effect(self) -> float | None: ...
    @property
    def required(self) -> list[str]: ...


@dataclass(frozen=True)
class Seen:
    """All draws, those after the verdict too. drawn: int[C, K + 1], in the last column answers outside the outcomes.

    impossible: the context and outcome that decided, where a correct sampler never answers so.
    """

    null: Array
    drawn: Array
    impossible: tuple[int, int] | None

    def worst(self) -> tuple[int, int, float]:
        """The context and outcome furthest from the law, with their z-score; outcome -1 is outside the outcomes."""
        if self.impossible is not None:
            return *self.impossible, 0.0
        law = np.hstack([self.null, np.zeros((len(self.null), 1))])
        never = np.where(law == 0, self.drawn, 0)
        if never.any():
            context, outcome = np.unravel_index(int(np.argmax(never)), never.shape)
            return int(context), int(outcome) if outcome < self.null.shape[1] else -1, 0.0
        asked = self.drawn.sum(axis=1, keepdims=True)
        spread = np.sqrt(asked * law * (1 - law))
        usable = (asked * law >= 1) & (spread > 0)
        z = np.where(usable, np.abs(self.drawn - asked * law) / np.where(usable, spread, 1.0), 0.0)
        context, outcome = np.unravel_index(int(np.argmax(z)), z.shape)
        return int(context), int(outcome), float(z[context, outcome])

    def likely(self, alternatives: Mapping[str, Array]) -> tuple[str, ...]:
        """The named mistake that explains the draws best, with a near twin.

        Empty where none is nearer than the law itself, or where the draws refuse the nearest as well (NOT_THIS).
        """
        counts = self.drawn[:, :-1]
        if self.drawn[:, -1].any():
            return ()  # no law in the design has such an answer
        scores = {name: log_likelihood(counts, law) for name, law in alternatives.items()}
        scores[""] = log_likelihood(counts, self.null)
        best = max(scores.values())
        if best == -math.inf:
            return ()
        near = sorted((n for n in scores if best - scores[n] < math.log(TWINS)), key=lambda n: -scores[n])
        if "" in near:
            return ()
        return tuple(n for n in near[:2] if omnibus(counts, alternatives[n]) < math.log(NOT_THIS))


@dataclass(frozen=True)
class State:
    """Where a test stands. too_even: it failed for shares too even to be random; left: what is not ruled out yet."""

    n: int
    log10_e: float
    limit_log10: float
    too_even: bool
    left: Sequence[str]


def evidence_of(design: Asked, seen: Seen, state: State) -> Evidence:
    """The finding in a state."""
    context, outcome, sigmas = seen.worst()
    asked, came = int(seen.drawn[context].sum()), int(seen.drawn[context, outcome])
    tries = f"{asked:,} tr{'y' if asked == 1 else 'ies'}"
    label = design.outcomes[outcome] if outcome >= 0 else "an answer that is not possible at all"
    p = float(design.null[context, outcome]) if outcome >= 0 else 0.0
    if p == 0:
        expected = f"never {label}: a correct implementation cannot return it here"
        sentence = f"{label}, in {came:,} of {tries}"
    else:
        spread = math.sqrt(p * (1 - p) / max(1, asked))
        expected = f"{label} in about {asked * p:,.0f} of {tries} ({p:.1%} ± {spread:.1%})"
        share = came / max(1, asked)
        sentence = f"{label} in {came:,} of {tries} ({share:.1%}), {sigmas:.1f} standard deviations off"
    if state.too_even:
        sentence += "; all shares are far more even than random draws ever are"
    return Evidence(
        log10_e=min(state.log10_e, CERTAIN),
        limit_log10=state.limit_log10,
        sigmas=round(sigmas, 2),
        detectable=f"{promised(design)}; each passes in {runs(design.beta)}",
        given=design.contexts[context],
        expected=expected,
        sentence=sentence,
        needed=_needed(design, state),
        likely=seen.likely(design.alternatives),
    )


def promised(design: Asked) -> str:
    """The smallest errors that are worth catching, in words."""
    known = len(design.required)
    named = f"{known} known mistake{'' if known == 1 else 's'}" if known else ""
    shift = f"any one answer to any one input {design.effect:g} too likely or too rare" if design.effect else ""
    return " and ".join(part for part in (named, shift) if part) or "what the law rules out"


def _needed(design: Asked, state: State) -> str:
    if state.log10_e == math.inf:
        return "no such answer at all"
    if state.too_even:
        return "shares that scatter as those of random draws do"
    if state.log10_e < state.limit_log10 and state.left:
        more = f" and {len(state.left) - 2} more" if len(state.left) > 2 else ""
        return f"draws that rule out what is still possible after {state.n:,}: {'; '.join(state.left[:2])}{more}"
    return f"evidence below 10^{state.limit_log10:.1f} at every draw, until these are ruled out: {promised(design)}"
