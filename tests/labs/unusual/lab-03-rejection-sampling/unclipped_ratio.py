"""accept_prob returns the plain ratio, above 1 where the target likes the token more; a coin below 1 cannot tell."""

import numpy as np


def accept_prob(p, q, x):
    with np.errstate(divide="ignore"):
        return p[x] / q[x]


def acceptance_rate(p, q):
    return 1 - np.maximum(q - p, 0).sum()


def residual(p, q):
    excess = np.maximum(p, q) - q
    if np.allclose(excess, 0, atol=1e-15):
        return p + 0.0
    return excess / (1 - np.minimum(p, q).sum())


def output_distribution(p, q):
    tokens = range(len(p))
    refused = sum(q[x] * (1 - min(1, accept_prob(p, q, x))) for x in tokens if q[x] > 0)
    return np.array([q[x] * min(1, accept_prob(p, q, x)) if q[x] > 0 else 0 for x in tokens]) + refused * residual(p, q)


def speculative_step(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    order = rng.permutation(len(p))
    law = residual(p, q)
    return int(order[np.searchsorted(np.cumsum(law[order]), rng.random() * law.sum(), side="right")]), False


def verify(P, Q, draft, rng):
    tokens = []
    for j in range(len(draft) + 1):
        if j == len(draft):
            tokens.append(int(rng.choice(P.shape[1], p=P[j])))
            break
        token, kept = speculative_step(P[j], Q[j], draft[j], rng)
        tokens.append(token)
        if not kept:
            break
    return tokens
