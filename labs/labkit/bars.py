"""What a law check saw, small enough to be drawn: the shares of each outcome where they are furthest from the law."""

from dataclasses import dataclass

import numpy as np

from labkit.laws import SequentialTest

MOST_BARS = 12
LABEL_CHARACTERS = 80
CONTEXT_CHARACTERS = 300


@dataclass
class Bars:
    """One context of a law check: what was asked, the share of each outcome by the law and as drawn, in `n` draws.

    Outcomes beyond the largest are told as one, so that both lists sum to 1.
    """

    context: str
    labels: list[str]
    expected: list[float]
    observed: list[float]
    n: int


def worst_bars(test: SequentialTest) -> Bars | None:
    """The context with the largest deviation, with all its draws; None before the first draw."""
    if test.n == 0:
        return None
    context, outcome, _ = test.worst_cell()
    labels = [*map(str, test.design.outcomes), "impossible answer"]
    law = np.append(test.design.null[context], 0.0).astype(float)
    n = int(test.drawn[context].sum())
    drawn = test.drawn[context] / max(1, n)
    shown = _shown(law, drawn, outcome % len(labels))
    rest = np.setdiff1d(np.flatnonzero((law > 0) | (drawn > 0)), shown)
    bars = Bars(
        context=str(test.design.contexts[context])[:CONTEXT_CHARACTERS],
        labels=[labels[i][:LABEL_CHARACTERS] for i in shown],
        expected=[round(float(law[i]), 6) for i in shown],
        observed=[round(float(drawn[i]), 6) for i in shown],
        n=n,
    )
    if rest.size:
        bars.labels.append(f"{rest.size} others")
        bars.expected.append(round(float(law[rest].sum()), 6))
        bars.observed.append(round(float(drawn[rest].sum()), 6))
    return bars


def _shown(law: np.ndarray, drawn: np.ndarray, worst: int) -> np.ndarray:
    """int[…]: the outcomes to draw, in the design's order: those that happen, the worst of them in any case."""
    weight = np.maximum(law, drawn)
    weight[worst] = np.inf
    possible = np.flatnonzero(weight > 0)
    if possible.size <= MOST_BARS:
        return possible
    return np.sort(possible[np.argsort(-weight[possible], kind="stable")][: MOST_BARS - 1])
