"""A half-right answer: a cycle pays for k + 1 drafts, simulate goes on after a refusal, stage 5 is not written."""

import numpy as np


def expected_tokens(alpha: float, k: int) -> float:
    if not 0 <= alpha <= 1:
        raise ValueError("alpha must lie between 0 and 1")
    if k < 0:
        raise ValueError("k must not be negative")
    if alpha == 1:
        return k + 1
    return (1 - alpha ** (k + 1)) / (1 - alpha)


def expected_tokens_positional(rates: list[float]) -> float:
    total, reached = 1.0, 1.0
    for rate in rates:
        reached *= rate
        total += reached
    return total


def speedup(alpha: float, k: int, c: float) -> float:
    return expected_tokens(alpha, k) / (1 + (k + 1) * c)


def saturated_speedup(alpha: float, k: int, c: float, s: float) -> float:
    return expected_tokens(alpha, k) / (1 + k * (c + s))


def optimal_k(alpha: float, c: float, k_max: int) -> int:
    return int(np.argmax([speedup(alpha, k, c) for k in range(k_max + 1)]))


def simulate(alpha: float, k: int, cycles: int, rng: np.random.Generator) -> np.ndarray:
    return 1 + (rng.random((cycles, k)) < alpha).sum(axis=1)


def implied_alpha(tokens_per_cycle: float, k: int) -> float:
    raise NotImplementedError("lab-04 stage 5: implied_alpha - README section 5")


def implied_cost(tokens_per_cycle: float, k: int, measured_speedup: float) -> float:
    raise NotImplementedError("lab-04 stage 5: implied_cost - README section 5")
