"""What a check with a fixed tolerance is worth: exact probabilities, no simulation and no normal approximation.

For the labs' README tables (`python -m labkit odds LAB`), where usual checks stand beside this course's own.
"""

import math
from functools import lru_cache

import numpy as np

#: A count this close to the tolerance counts as inside it.
_TIE = 1e-9
#: Standard deviations beyond the first count outside, and counts: what is further away weighs below 1e-100 of it.
_REACH = 30


def shares_outside(p: np.ndarray, n: int, tolerance: float) -> float:
    """The chance that some share of a correct sampler is further than `tolerance` from p, float[V], after n draws.

    Multinomial counts are Poisson counts given their sum (Levin 1981), so the chance that all stay inside is a
    convolution of cut-off Poisson laws.
    """
    log_factorial = _log_factorials(n)
    inside, start = np.ones(1), 0
    for share in p:
        low = max(0, math.ceil(n * (share - tolerance) - _TIE))
        counts = np.arange(low, min(n, math.floor(n * (share + tolerance) + _TIE)) + 1)
        poisson = np.exp(counts * math.log(n * share) - log_factorial[counts] - n * share)
        inside, start = np.convolve(inside, poisson), start + low
    whole = math.exp(n * math.log(n) - log_factorial[n] - n)
    return 1 - float(inside[n - start]) / whole if 0 <= n - start < inside.size else 1.0


def share_outside(p: float, n: int, tolerance: float, around: float | None = None) -> float:
    """The chance that the share of an outcome of probability p is further than `tolerance` from `around` (p itself)."""
    centre = p if around is None else around
    log_factorial, reach = _log_factorials(n), _REACH + int(_REACH * math.sqrt(n * p * (1 - p)))
    above, below = math.floor(n * (centre + tolerance) + _TIE) + 1, math.ceil(n * (centre - tolerance) - _TIE) - 1
    upper = np.arange(max(0, above), min(n, max(above, round(n * p)) + reach) + 1)
    lower = np.arange(max(0, min(below, round(n * p)) - reach), min(n, below) + 1)
    counts = np.concatenate([lower, upper])
    chances = log_factorial[n] - log_factorial[counts] - log_factorial[n - counts]
    return float(np.exp(chances + counts * math.log(p) + (n - counts) * math.log1p(-p)).sum())


def tolerance_for(p: np.ndarray, n: int, rate: float) -> float:
    """The tolerance that a correct sampler's shares miss with probability `rate` at most, to four digits.

    By the sum over outcomes, which is the exact chance but for what happens twice: far below any `rate` used here.
    """
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        missed = sum(share_outside(float(share), n, middle) for share in p)
        low, high = (middle, high) if missed > rate else (low, middle)
    return high


def average_over_targets(size: int, n: int, tolerance: float) -> float:
    """`shares_outside` averaged over targets drawn evenly from all distributions over `size` outcomes, nearly.

    One share of such a target has the density (size - 1)(1 - p)^(size - 2); the outcomes' chances are added up.
    """
    p = np.linspace(0, 1, 1001)[1:-1]
    missed = np.array([share_outside(float(share), n, tolerance) for share in p])
    return size * float(np.trapezoid(missed * (size - 1) * (1 - p) ** (size - 2), p))


def mean_total_variation(p: np.ndarray, n: int) -> float:
    """How far from p, float[V], a correct sampler's shares are on average after n draws, in total variation."""
    log_factorial = _log_factorials(n)
    total = 0.0
    for share in p:  # De Moivre's mean absolute deviation of a count
        nu = math.floor(n * share) + 1
        log_term = log_factorial[n] - log_factorial[nu] - log_factorial[n - nu]
        log_term += nu * math.log(share) + (n - nu + 1) * math.log1p(-share)
        total += 2 * nu * math.exp(log_term) / n
    return total / 2


def mean_outside(law: np.ndarray, n: int, relative: float) -> float:
    """The chance that the mean of n independent values, 1 … K by `law`, float[K], is off by more than `relative`.

    The law of the sum is the n-th power of one value's, by Fourier transform; right to about 1e-11.
    """
    values = np.arange(1, law.size + 1)
    mean = float(law @ values)
    length = n * (law.size - 1) + 1
    size = 1 << (length - 1).bit_length()
    chances = np.fft.irfft(np.fft.rfft(law, size) ** n, size)[:length]
    sums = np.arange(length) + n
    return max(0.0, float(chances[np.abs(sums / n - mean) > relative * mean].sum()))


@lru_cache(maxsize=8)
def _log_factorials(n: int) -> np.ndarray:
    """float[n + 1]"""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
