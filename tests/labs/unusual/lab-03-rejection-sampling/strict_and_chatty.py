"""Checks everything, raises with texts of its own, and reads the verdict off the token instead of a flag."""

import numpy as np


class NotADistribution(ValueError):
    pass


def check(*laws):
    for law in laws:
        if law.ndim != 1 or law.min() < 0 or not np.isclose(law.sum(), 1):
            raise NotADistribution("that is no distribution")
    if len({len(law) for law in laws}) > 1:
        raise NotADistribution("lengths differ")


def accept_prob(p, q, x):
    check(p, q)
    if x not in range(len(p)):
        raise IndexError("no such token")
    if p[x] == q[x] == 0:
        raise ValueError("nobody says this token")
    return 1.0 if q[x] <= p[x] else p[x] / q[x]


def acceptance_rate(p, q):
    check(p, q)
    return 1 - np.linalg.norm(p - q, ord=1) / 2


def residual(p, q):
    check(p, q)
    owed = np.maximum(p, q) - q
    return p.copy() if np.array_equal(p, q) else owed / owed.sum()


def output_distribution(p, q):
    drafted = np.flatnonzero(q)
    law = np.zeros_like(p)
    for x in drafted:
        law[x] += q[x] * accept_prob(p, q, x)
    return law + (1 - law.sum()) * residual(p, q)


def speculative_step(p, q, x, rng):
    if q[x] == 0:
        raise ValueError("the drafter cannot have said this")
    token = x if rng.random() <= accept_prob(p, q, x) else rng.choice(np.arange(len(p)), p=residual(p, q))
    return int(token), int(token) == x


def verify(P, Q, draft, rng):
    if P.shape != (len(draft) + 1, P.shape[1]) or Q.shape != (len(draft), P.shape[1]):
        raise ValueError("shapes")
    out = []
    for j, x in enumerate(draft):
        out.append(speculative_step(P[j], Q[j], x, rng)[0])
        if out[-1] != x:
            break
    else:
        out.append(int(rng.choice(P.shape[1], p=P[-1])))
    return out
