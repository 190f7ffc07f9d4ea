"""The correction by rejection from p: draw from p until a token passes with (p - q) / p. Any number of draws."""

import numpy as np


def accept_prob(p, q, x):
    return float(np.clip(p[x] / q[x], 0, 1)) if q[x] > 0 else float(p[x] > 0)


def acceptance_rate(p, q):
    return float(np.where(p < q, p, q).sum())


def residual(p, q):
    d = np.array(p, dtype=float)
    d -= q
    d[d < 0] = 0
    s = d.sum()
    return d / s if s else np.array(p, dtype=float)


def output_distribution(p, q):
    return np.minimum(p, q) + np.maximum(p, q) - q


def speculative_step(p, q, x, rng):
    if rng.random() * q[x] < p[x]:
        return int(x), True
    while True:
        y = int(rng.choice(len(p), p=p))
        if rng.random() * p[y] < p[y] - q[y]:
            return y, False


def verify(P, Q, draft, rng):
    steps = ((j, *speculative_step(P[j], Q[j], draft[j], rng)) for j in range(len(draft)))
    for j, token, kept in steps:
        if not kept:
            return [*draft[:j], token]
    return [*draft, int(rng.choice(len(P[-1]), p=P[-1]))]
