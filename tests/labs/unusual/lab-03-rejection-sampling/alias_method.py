"""Samples by Walker's alias method; the coin is an integer below 2**53."""

import numpy as np


def accept_prob(p, q, x):
    p_x, q_x = float(p[x]), float(q[x])
    return 1.0 if p_x >= q_x > 0 or (q_x == 0 < p_x) else (p_x / q_x if q_x else 0.0)


def acceptance_rate(p, q):
    return float(np.sum(q * np.array([accept_prob(p, q, x) for x in range(len(q))])))


def residual(p, q):
    owed = np.where(np.less(q, p), p - q, 0)
    return np.divide(owed, owed.sum()) if owed.max() > 0 else np.copy(p)


def output_distribution(p, q):
    accept = np.array([accept_prob(p, q, x) for x in range(len(q))])
    return accept * q + ((1 - accept) * q).sum() * residual(p, q)


def alias_table(law):
    n = len(law)
    scaled, alias = [w * n for w in law], list(range(n))
    small, large = [i for i in range(n) if scaled[i] < 1], [i for i in range(n) if scaled[i] >= 1]
    while small and large:
        s, g = small.pop(), large.pop()
        alias[s] = g
        scaled[g] -= 1 - scaled[s]
        (small if scaled[g] < 1 else large).append(g)
    for i in small + large:
        # leftovers are columns that are full up to rounding, or empty ones
        scaled[i] = 1 if law[i] > 0 else 0
        alias[i] = alias[i] if law[i] > 0 else int(np.argmax(law))
    return scaled, alias


def sample(law, rng):
    scaled, alias = alias_table(law)
    column = int(rng.integers(len(law)))
    return column if rng.random() < scaled[column] else alias[column]


def speculative_step(p, q, x, rng):
    if int(rng.integers(2**53)) < accept_prob(p, q, x) * 2**53:
        return x, True
    return sample(residual(p, q), rng), False


def verify(P, Q, draft, rng):
    for j in range(len(draft)):
        token, kept = speculative_step(P[j], Q[j], draft[j], rng)
        if not kept:
            return draft[:j] + [token]
    return draft + [sample(P[len(draft)], rng)]
