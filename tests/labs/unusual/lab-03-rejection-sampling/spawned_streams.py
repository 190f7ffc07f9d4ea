"""Every call works on a child of rng: spawned, or seeded with a number drawn from it."""

import numpy as np


def accept_prob(p, q, x):
    return float(min(q[x], p[x]) / q[x]) if q[x] > 0 else float(np.sign(p[x]))


def acceptance_rate(p, q):
    return float(np.stack([p, q]).min(axis=0).sum())


def residual(p, q):
    owed = np.maximum(0.0, np.subtract(p, q))
    with np.errstate(invalid="ignore", divide="ignore"):
        law = owed / owed.sum()
    return np.where(np.isnan(law), p, law)


def output_distribution(p, q):
    return np.minimum(p, q) + np.maximum(q - p, 0).sum() * residual(p, q)


def speculative_step(p, q, x, rng):
    (child,) = rng.spawn(1)
    if child.random() < accept_prob(p, q, x):
        return x, True
    return int(child.choice(len(p), p=residual(p, q))), False


def verify(P, Q, draft, rng):
    child = np.random.default_rng(rng.integers(2**63, size=4))
    for j, x in enumerate(draft):
        token, kept = speculative_step(P[j], Q[j], x, child)
        if not kept:
            return [int(t) for t in draft[:j]] + [token]
    return [int(t) for t in draft] + [int(child.choice(P.shape[1], p=P[-1]))]
