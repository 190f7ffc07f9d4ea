"""What a law check saw, small enough to be drawn: the shares of each outcome where they are furthest from the law."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labkit.laws import KAPPAS, SequentialTest

MOST_BARS = 12
LABEL_CHARACTERS = 80
CONTEXT_CHARACTERS = 300


@dataclass
class Bars:
    """One context of a law check: what was asked, the share of each outcome by the law and as drawn, in `n` draws.

    low, high: the share that each outcome keeps within in a correct implementation, but for the check's own
    false-fail rate: all outcomes of all contexts together, at any number of draws. `worst` is the outcome to look at
    first. Outcomes beyond the largest are told as one, so that `expected` and `observed` sum to 1.
    """

    context: str
    labels: list[str]
    expected: list[float]
    observed: list[float]
    low: list[float]
    high: list[float]
    n: int
    worst: int


def worst_bars(test: SequentialTest) -> Bars | None:
    """The context with the largest deviation, with all its draws; None before the first draw."""
    if test.n == 0:
        return None
    context, outcome, _ = test.worst_cell()
    labels = [*map(str, test.design.outcomes), "impossible answer"]
    outcome %= len(labels)
    law = np.append(test.design.null[context], 0.0).astype(float)
    n = max(1, int(test.drawn[context].sum()))
    drawn = test.drawn[context] / n
    rows = (law, drawn, *_bands(law, n, math.log(test.design.null.size / test.alpha)))
    shown = _shown(law, drawn, outcome)
    rest = np.setdiff1d(np.flatnonzero((law > 0) | (drawn > 0)), shown)
    columns = [[round(float(row[i]), 6) for i in shown] for row in rows]
    names = [labels[i][:LABEL_CHARACTERS] for i in shown]
    if rest.size:
        names.append(f"{rest.size} others")
        for column, row in zip(columns, rows, strict=True):
            column.append(round(min(1.0, float(row[rest].sum())), 6))
    where = str(test.design.contexts[context])[:CONTEXT_CHARACTERS]
    expected, observed, low, high = columns
    worst = int(np.flatnonzero(shown == outcome)[0])
    return Bars(where, names, expected, observed, low, high, n, worst)


def _shown(law: np.ndarray, drawn: np.ndarray, worst: int) -> np.ndarray:
    """int[…]: the outcomes to draw, in the design's order: those that happen, the worst of them in any case."""
    weight = np.maximum(law, drawn)
    weight[worst] = np.inf
    possible = np.flatnonzero(weight > 0)
    if possible.size <= MOST_BARS:
        return possible
    return np.sort(possible[np.argsort(-weight[possible], kind="stable")][: MOST_BARS - 1])


def _bands(law: np.ndarray, n: int, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """float[K] each: the smallest and the largest share of each outcome whose own evidence, a log, is below `limit`."""
    ends = [_band(float(p), n, limit) for p in law]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])


def _band(p: float, n: int, limit: float) -> tuple[float, float]:
    """The shares of an outcome of probability `p` that a correct sampler keeps within: at every n, but for e^-limit.

    The evidence is a beta mixture around p, the anytime-valid binomial test: convex in the count, so one step either
    side of p bounds it (Lindon and Malek, arXiv 2011.03567; Ville's inequality).
    """
    if not 0 < p < 1:
        return p, p

    def fits(count: int) -> bool:
        terms = [_log_evidence(count, n, p, kappa) for kappa in KAPPAS]
        top = max(terms)
        return top + math.log(sum(math.exp(t - top) for t in terms) / len(terms)) < limit

    middle = round(p * n)
    low = middle - _last(lambda step: fits(middle - step), middle)
    high = middle + _last(lambda step: fits(middle + step), n - middle)
    return low / n, high / n


def _log_evidence(count: int, n: int, p: float, kappa: float) -> float:
    """log of the likelihood ratio of `count` of `n`: Beta(kappa·p, kappa·(1-p)) mixture against p."""
    a, b = kappa * p, kappa * (1 - p)
    mixed = math.lgamma(kappa) - math.lgamma(kappa + n) + math.lgamma(a + count) - math.lgamma(a)
    mixed += math.lgamma(b + n - count) - math.lgamma(b)
    return mixed - count * math.log(p) - (n - count) * math.log1p(-p)


def _last(holds: Callable[[int], bool], most: int) -> int:
    """The largest step from 0 to `most` that holds; what holds for a step holds for all smaller ones."""
    low, high = 0, most
    while low < high:
        step = (low + high + 1) // 2
        low, high = (step, high) if holds(step) else (low, step - 1)
    return low
