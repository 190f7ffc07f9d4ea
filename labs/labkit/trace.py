"""How the drawn shares approach the law as draws come in, and where a correct sampler stays below."""

import math
from dataclasses import dataclass

import numpy as np

POINTS = 40
FIRST = 8
#: The share of correct samplers above the band at one given number of draws, at most.
ABOVE_BAND = 1e-3


@dataclass
class Trace:
    """After `n` draws: total variation distance between drawn and law, and the band below which 99.9 % stay there.

    The distance is averaged over contexts by how often each was asked. Three lists of at most POINTS numbers.
    """

    n: list[int]
    value: list[float]
    band: list[float]


def traced(null: np.ndarray, contexts: np.ndarray, outcomes: np.ndarray) -> Trace | None:
    """The trace of draws in their order. null: float[C, K]; contexts, outcomes: int[n], -1 for an impossible outcome.

    None where there are too few draws for two points.
    """
    n = len(contexts)
    points = sorted({round(p) for p in np.geomspace(min(FIRST, n), n, POINTS)}) if n else []
    if len(points) < 2:
        return None
    law = np.hstack([null, np.zeros((len(null), 1))])
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 2)))])
    counts = np.zeros(law.shape, dtype=np.int64)
    value, band, done = [], [], 0
    for point in points:
        np.add.at(counts, (contexts[done:point], outcomes[done:point]), 1)
        done = point
        asked = counts.sum(axis=1, keepdims=True)
        value.append(_rounded(float(np.abs(counts - asked * law).sum()) / 2 / point))
        expected = float(_mean_deviation(asked, law, log_factorials).sum()) / 2 / point
        # One draw moves the distance by 1/n at most, so McDiarmid's inequality bounds how far it is above its mean.
        band.append(_rounded(expected + math.sqrt(math.log(1 / ABOVE_BAND) / (2 * point))))
    return Trace(points, value, band)


def _rounded(share: float) -> float:
    return round(min(1.0, share), 5)


def _mean_deviation(n: np.ndarray, p: np.ndarray, log_factorials: np.ndarray) -> np.ndarray:
    """E|X - np| for X of Binomial(n, p), exactly (De Moivre): n int[C, 1], p float[C, K]."""
    inner = (p > 0) & (p < 1)
    p = np.where(inner, p, 0.5)
    nu = np.floor(n * p).astype(np.int64) + 1
    nu = np.minimum(nu, np.maximum(n, 1))
    rest = np.maximum(n - nu, 0)
    log_choose = log_factorials[np.broadcast_to(n, nu.shape)] - log_factorials[nu] - log_factorials[rest]
    deviation = 2 * nu * np.exp(log_choose + nu * np.log(p) + (n - nu + 1) * np.log1p(-p))
    return np.asarray(np.where(inner & (n > 0), deviation, 0.0))
