"""A mutable default collects the tokens of all calls."""

import numpy as np


def sample(law, rng):
    """One token."""
    return int(np.searchsorted(np.cumsum(law) / np.sum(law), rng.random(), side="right"))


def accept_prob(p, q, x):
    """Probability of keeping draft x."""
    return float(min(1.0, p[x] / q[x])) if q[x] > 0 else 1.0


def acceptance_rate(p, q):
    """Overlap."""
    return float(np.minimum(p, q).sum())


def residual(p, q):
    """What is owed."""
    owed = np.maximum(p - q, 0.0)
    return owed / owed.sum() if owed.any() else p.copy()


def output_distribution(p, q):
    """Law of one step."""
    return np.minimum(p, q) + (1 - acceptance_rate(p, q)) * residual(p, q)


def speculative_step(p, q, x, rng):
    """Keep or correct."""
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return sample(residual(p, q), rng), False


def verify(P, Q, draft, rng, tokens=[]):  # noqa: B006
    """Check a run."""
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        tokens.append(token)
        if not accepted:
            return tokens
    tokens.append(sample(P[-1], rng))
    return tokens
