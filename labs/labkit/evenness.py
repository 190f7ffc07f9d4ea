"""Evidence that shares are too even to be random: answers that were computed, or dealt out, rather than drawn.

In a batch of draws the count of each outcome, given those before it, is binomial in a correct sampler. A bet that it
comes within a tenth of its standard deviation of its mean pays what a narrow law gives that count over what the
binomial law gives it, which is 1 on average: an e-value, exact at any batch size. Half of the stake is held back.
Batches and contexts multiply, so that 1/alpha is reached with probability alpha at most, at any time (Ville).
"""

import math

import numpy as np

Array = np.ndarray

#: Width of the narrow law in standard deviations of the binomial one, and its least width in counts.
NARROW, LEAST_WIDTH = 0.1, 0.5
#: What the normal density sums to over all integers at most, at LEAST_WIDTH or wider (Poisson summation).
_MASS = 1.015
#: A count of a smaller variance than this is even by itself.
_LEAST_VARIANCE = 1.0


def log_evenness(null: Array, counts: Array) -> Array:
    """float[R]: the log of the bets' value on one batch, its counts int[R, C, K] of outcomes that null allows."""
    log_factorials = np.concatenate(
        [[0.0], np.cumsum(np.log(np.arange(1, int(counts.sum(axis=2).max(initial=0)) + 1)))]
    )
    value = np.zeros(len(counts))
    left, mass = counts.sum(axis=2), np.ones(len(null))
    for outcome in range(null.shape[1] - 1):
        p = np.clip(np.divide(null[:, outcome], mass, out=np.zeros(len(null)), where=mass > 1e-12), 0.0, 1.0)
        value += _bet(counts[:, :, outcome], left, p, log_factorials).sum(axis=1)
        left, mass = left - counts[:, :, outcome], mass - null[:, outcome]
    return value


def _bet(came: Array, n: Array, p: Array, log_factorials: Array) -> Array:
    """float[R, C]: the log of one bet's value. came, n: int[R, C]; p: float[C]."""
    variance = n * p * (1 - p)
    usable = variance >= _LEAST_VARIANCE
    p = np.where((p > 0) & (p < 1), p, 0.5)
    binomial = log_factorials[n] - log_factorials[came] - log_factorials[n - came]
    binomial = binomial + came * np.log(p) + (n - came) * np.log1p(-p)
    width = np.maximum(LEAST_WIDTH, NARROW * np.sqrt(variance))
    narrow = -0.5 * ((came - n * p) / width) ** 2 - np.log(width * math.sqrt(2 * math.pi) * _MASS)
    return np.asarray(np.where(usable, np.logaddexp(0.0, narrow - binomial) - math.log(2), 0.0))
