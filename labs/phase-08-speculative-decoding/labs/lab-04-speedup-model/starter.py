"""Lab 04: what speculative decoding is worth, and when it is worth nothing.

Write the eight bodies, in this order. alpha is the chance that a draft is accepted, k the number of drafts per cycle,
c the cost of one draft token, in units of one pass of the target. The README has a section per stage.
"""

from collections.abc import Sequence

import numpy as np


def expected_tokens(alpha: float, k: int) -> float:
    """Tokens that one cycle emits on average: the accepted leading run and the target's own token. About 3 lines.

    k + 1 at alpha = 1. Raises ValueError outside 0 <= alpha <= 1 and for k < 0.

    >>> expected_tokens(0.5, 1)
    1.5
    """
    raise NotImplementedError("lab-04 stage 1: expected_tokens - README section 1")


def expected_tokens_positional(rates: Sequence[float]) -> float:
    """The same where draft i is accepted with rates[i], given that all drafts before it were. About 2 lines.

    >>> expected_tokens_positional([0.5, 0.5])
    1.75
    """
    raise NotImplementedError("lab-04 stage 1: expected_tokens_positional - README section 1")


def speedup(alpha: float, k: int, c: float) -> float:
    """Speed-up over plain decoding: tokens per cycle over the cost of a cycle, k·c + 1. 1.0 at k = 0. One line."""
    raise NotImplementedError("lab-04 stage 2: speedup - README section 2")


def saturated_speedup(alpha: float, k: int, c: float, s: float) -> float:
    """The same where verifying one more token costs s: a cycle costs 1 + k·(c + s). One line.

    s is 0 on an idle GPU, 1 on a saturated one.
    """
    raise NotImplementedError("lab-04 stage 2: saturated_speedup - README section 2")


def optimal_k(alpha: float, c: float, k_max: int) -> int:
    """How many tokens to draft: the smallest k of 0 … k_max with the largest speedup. About 3 lines.

    0 means: do not speculate. It is the answer exactly where alpha <= c.
    """
    raise NotImplementedError("lab-04 stage 3: optimal_k - README section 3")


def simulate(alpha: float, k: int, cycles: int, rng: np.random.Generator) -> np.ndarray:
    """Play the game: int[cycles], the tokens that each cycle emitted, 1 … k + 1. About 3 lines.

    Each draft is accepted with probability alpha, on its own; the first refusal ends the cycle. The target's own token
    always comes out. All randomness comes from rng.
    """
    raise NotImplementedError("lab-04 stage 4: simulate - README section 4")


def implied_alpha(tokens_per_cycle: float, k: int) -> float:
    """The alpha at which expected_tokens(alpha, k) is tokens_per_cycle, a number from 1 to k + 1. About 8 lines."""
    raise NotImplementedError("lab-04 stage 5: implied_alpha - README section 5")


def implied_cost(tokens_per_cycle: float, k: int, measured_speedup: float) -> float:
    """The c at which the speed-up is the measured one, given the tokens per cycle (k >= 1). One line."""
    raise NotImplementedError("lab-04 stage 5: implied_cost - README section 5")
