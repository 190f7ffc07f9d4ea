"""verify draws every random number of the run first and decides with cumprod and fancy indexing."""

import numpy as np


def ratios(p, q):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(q > 0, np.minimum(1.0, p / np.where(q > 0, q, 1.0)), (p > 0) * 1.0)


def accept_prob(p, q, x):
    return ratios(p, q)[x]


def acceptance_rate(p, q):
    return 1.0 - 0.5 * np.abs(p - q).sum()


def residuals(P, Q):
    owed = np.clip(P - Q, 0.0, None)
    mass = owed.sum(axis=-1, keepdims=True)
    return np.where(mass > 0, owed / np.where(mass > 0, mass, 1.0), P)


def residual(p, q):
    return residuals(p[None], q[None])[0]


def output_distribution(p, q):
    # every (draft, token) pair at once, then summed over drafts
    a = ratios(p, q)
    table = np.diag(a) + (1 - a)[:, None] * residual(p, q)[None, :]
    return q @ table


def speculative_step(p, q, x, rng):
    coin, pick = rng.random(2)
    if coin < accept_prob(p, q, x):
        return x, True
    cdf = np.cumsum(residual(p, q))
    return np.searchsorted(cdf, pick * cdf[-1], side="right"), False


def verify(P, Q, draft, rng):
    k = len(draft)
    draft = np.asarray(draft, dtype=int)
    coins, picks = rng.random(k), rng.random(k + 1)
    rows = np.arange(k)
    kept = int(np.cumprod(coins < np.minimum(1.0, P[rows, draft] / Q[rows, draft])).sum())
    laws = np.concatenate([residuals(P[:k], Q), P[k:]])
    cdf = np.cumsum(laws, axis=1)
    tokens = (cdf <= (picks * cdf[:, -1])[:, None]).sum(axis=1)
    return np.append(draft[:kept], tokens[kept])
