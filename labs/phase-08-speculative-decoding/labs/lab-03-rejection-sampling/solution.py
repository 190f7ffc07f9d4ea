"""Lab 03, reference: speculative sampling, one token and one run at a time.

p is the target's distribution of the next token, q the drafter's, as in Leviathan, Kalman and Matias, "Fast Inference
from Transformers via Speculative Decoding" (arXiv 2211.17192). Chen et al. (arXiv 2302.01318) swap the two letters.
"""

import numpy as np

SUM_TOLERANCE = 1e-5  # distributions may have been computed in float32


def accept_prob(p: np.ndarray, q: np.ndarray, x: int) -> float:
    """Probability of keeping draft x: min(1, p[x] / q[x]), Leviathan et al., section 2.3."""
    p, q = _distributions(p, q)
    return _accept_prob(p, q, _token(x, p))


def acceptance_rate(p: np.ndarray, q: np.ndarray) -> float:
    """Probability that a draft drawn from q is kept: sum min(p, q) = 1 - TV(p, q), Theorem 3.5."""
    p, q = _distributions(p, q)
    return float(np.minimum(p, q).sum())


def residual(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """float[V], what the accepted drafts still owe the target: normalize(max(p - q, 0)), section 2.3.

    Where p == q nothing is ever refused and any answer would do; p itself is the one without a division by zero.
    """
    p, q = _distributions(p, q)
    return _residual(p, q)


def output_distribution(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """float[V], the exact law of one step whose draft is drawn from q (appendix A.1):

    P(out = t) = q[t] · min(1, p[t] / q[t]) + P(refused) · residual[t]
               = min(p, q)[t] + (1 - alpha) · max(p - q, 0)[t] / (1 - alpha) = p[t].
    """
    p, q = _distributions(p, q)
    kept = np.minimum(p, q)
    refused = max(0.0, 1.0 - kept.sum())
    return kept + refused * _residual(p, q)


def speculative_step(p: np.ndarray, q: np.ndarray, x: int, rng: np.random.Generator) -> tuple[int, bool]:
    """Keep draft x or replace it: (token, accepted). x is taken to be drawn from q."""
    p, q = _distributions(p, q)
    return _step(p, q, _token(x, p), rng)


def verify(P: np.ndarray, Q: np.ndarray, draft: list[int], rng: np.random.Generator) -> list[int]:
    """1 … k+1 tokens: the drafts kept, left to right, then the correction of the first refused one or the bonus.

    P[j] and Q[j] are the distributions *after* draft[:j], so everything behind a refused draft is void.
    """
    P, Q = _tables(P, Q, draft)
    tokens: list[int] = []
    for p, q, x in zip(P, Q, draft, strict=False):
        token, accepted = _step(p, q, _token(x, p), rng)
        tokens.append(token)
        if not accepted:
            return tokens
    return [*tokens, _sample(P[-1], rng)]


def _step(p: np.ndarray, q: np.ndarray, x: int, rng: np.random.Generator) -> tuple[int, bool]:
    if rng.random() < _accept_prob(p, q, x):
        return x, True
    return _sample(_residual(p, q), rng), False


def _accept_prob(p: np.ndarray, q: np.ndarray, x: int) -> float:
    if q[x] == 0:
        return 1.0 if p[x] > 0 else 0.0
    return float(min(1.0, p[x] / q[x]))


def _residual(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    owed = np.maximum(p - q, 0.0)
    mass = owed.sum()
    return owed / mass if mass > 0 else p.copy()


def _sample(law: np.ndarray, rng: np.random.Generator) -> int:
    """One token by inverse CDF. Scaling by the last sum keeps rounding from pointing past the last token."""
    cdf = law.cumsum()
    return int(cdf.searchsorted(rng.random() * cdf[-1], side="right"))


def _distributions(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, q = _rows("p", p, 1), _rows("q", q, 1)
    if p.shape != q.shape:
        raise ValueError(f"q has {q.size} tokens, p has {p.size}: they need one vocabulary")
    return p, q


def _tables(P: np.ndarray, Q: np.ndarray, draft: list[int]) -> tuple[np.ndarray, np.ndarray]:
    k = len(draft)
    P, Q = _rows("P", P, 2), _rows("Q", Q, 2)
    if len(P) != k + 1:
        raise ValueError(f"P has {len(P)} rows for {k} drafts: it needs {k + 1}, the last for the bonus")
    if len(Q) != k or Q.shape[1] != P.shape[1]:
        raise ValueError(f"Q has shape {Q.shape}: it needs {(k, P.shape[1])}, a row per draft")
    return P, Q


def _rows(name: str, value: np.ndarray, ndim: int) -> np.ndarray:
    """`value` as float64 whose last axis holds distributions."""
    rows = np.asarray(value, dtype=np.float64)
    if rows.ndim != ndim:
        raise ValueError(f"{name} has {rows.ndim} dimensions, not {ndim}")
    sums = rows.sum(axis=-1)
    if not (rows >= 0).all() or (abs(sums - 1.0) > SUM_TOLERANCE).any():
        raise ValueError(f"{name} is not a distribution: entries must be >= 0 and sum to 1")
    return rows


def _token(x: int, p: np.ndarray) -> int:
    if not 0 <= x < p.size:
        raise ValueError(f"x = {x} is not a token of a vocabulary of {p.size}")
    return int(x)
