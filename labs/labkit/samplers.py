"""Runs a sequential test on an implementation's random answers: draws, record for the report, words for the student."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.bars import worst_bars
from labkit.checks import Check
from labkit.faults import CheckFailed, Undecided
from labkit.findings import Evidence, promised
from labkit.laws import NAMING_DRAWS, Decision, Design, SequentialTest
from labkit.means import MeanTest
from labkit.mutation import Mutant
from labkit.plain import show
from labkit.trace import traced

#: Context indices to outcome indices, int[m] both; -1 for an answer outside the outcomes.
Draw = Callable[[np.ndarray], np.ndarray]
#: How many answers, and a stream, to that many numbers.
DrawMany = Callable[[int, np.random.Generator], Any]


@dataclass(frozen=True)
class Asked:
    """Whose answers a check judges: its name, the function, the seed of the run, and known mistakes by their id."""

    name: str
    function: str
    seed: int
    mutant: Callable[[str], Mutant | None]


def judge_law(
    asked: Asked, design: Design, alpha: float, draw: Draw, rng: np.random.Generator
) -> tuple[Check, CheckFailed | None]:
    """Draw until the answers are judged by their law."""
    test = SequentialTest(design, alpha)
    while test.decision is Decision.CONTINUE:
        contexts = test.next_contexts(rng)
        test.update(contexts, _drawn(asked, draw, contexts))
    if test.decision is Decision.FAIL:
        contexts = design.sample_contexts(rng, NAMING_DRAWS)
        test.look_on(contexts, _drawn(asked, draw, contexts))
    evidence = test.evidence()
    check = Check(
        asked.name, "law", "evidence against the law, log10", evidence.log10_e, evidence.limit_log10, test.n, alpha,
        promised(design), 1 - design.beta, evidence.detectable, str(asked.seed), sigmas=evidence.sigmas,
        conclusive=test.decision is not Decision.INCONCLUSIVE, bars=worst_bars(test),
        needed="" if test.decision is Decision.PASS else evidence.needed,
        trace=traced(design.null, *test.draws()),
    )  # fmt: skip
    return check, None if test.decision is Decision.PASS else _law_fault(asked, test, evidence)


def _law_fault(asked: Asked, test: SequentialTest, evidence: Evidence) -> CheckFailed:
    kind = Undecided if test.decision is Decision.INCONCLUSIVE else CheckFailed
    likely = evidence.likely if kind is CheckFailed else ()
    known = [m for m in map(asked.mutant, likely) if m is not None]
    return kind(
        evidence.sentence,
        given=evidence.given,
        expected=evidence.expected,
        function=asked.function,
        looks_like="; or: ".join(m.says for m in known) or "; or: ".join(likely) or "no known pattern",
        advice=known[0].fix if known else "",
        cause=known[0].id if known else "",
    )


def _drawn(asked: Asked, draw: Draw, contexts: np.ndarray) -> np.ndarray:
    outcomes = np.asarray(draw(contexts))
    if outcomes.shape != contexts.shape:
        came = f"an answer of shape {outcomes.shape}"
        raise CheckFailed(came, given=asked.name, expected=f"{len(contexts)} values", function=asked.function)
    return outcomes


def judge_mean(
    asked: Asked, test: MeanTest, draw: DrawMany, rng: np.random.Generator
) -> tuple[Check, CheckFailed | None]:
    """Draw until the mean of the answers is judged."""
    while test.decision is Decision.CONTINUE:
        size = test.next_size()
        values = np.asarray(draw(size, rng), dtype=float)
        if values.shape != (size,):
            came = f"an answer of shape {values.shape}"
            raise CheckFailed(came, given=asked.name, expected=f"{size} numbers", function=asked.function)
        test.update(values)
    passed, decided = test.decision is Decision.PASS, test.decision is not Decision.INCONCLUSIVE
    check = Check(
        asked.name, "mean", "evidence against the mean, log10", test.log10_e, test.limit_log10, test.n, test.alpha,
        f"a mean off by {show(test.effect)} or more", 1 - test.beta, test.detectable, str(asked.seed),
        sigmas=test.sigmas, conclusive=decided, needed="" if passed else test.needed,
    )  # fmt: skip
    if passed:
        return check, None
    kind = CheckFailed if decided else Undecided
    return check, kind(test.sentence, given=asked.name, expected=test.expected, function=asked.function)
