"""verify calls itself on the rest of the run; the correction is drawn before the coin is tossed."""

import numpy as np


def accept_prob(p, q, x):
    return float(p[x] > 0) if not q[x] else min(1.0, p[x] / q[x])


def acceptance_rate(p, q):
    return float(sum(map(min, zip(p, q))))


def residual(p, q):
    owed = (p - q) * (p > q)
    total = owed.sum()
    if not total:
        return p
    return owed / total


def output_distribution(p, q):
    law = np.zeros(len(p))
    correction = residual(p, q)
    for x in range(len(p)):
        a = accept_prob(p, q, x)
        law[x] += q[x] * a
        law += q[x] * (1 - a) * correction
    return law


def speculative_step(p, q, x, rng, *, verbose=False):
    correction = rng.choice(len(p), p=residual(p, q))
    accepted = rng.uniform() < accept_prob(p, q, x)
    if verbose:
        print(x, accepted, correction)
    return (x if accepted else correction), accepted


def verify(P, Q, draft, rng, depth=0):
    if not draft:
        return [rng.choice(P.shape[1], p=P[0])]
    token, accepted = speculative_step(P[0], Q[0], draft[0], rng)
    return [token, *verify(P[1:], Q[1:], draft[1:], rng, depth + 1)] if accepted else [token]
