"""Rational arithmetic: every float is turned into the fraction it is, and the coin into an integer comparison."""

from fractions import Fraction
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=None)
def _fractions(data):
    exact = [Fraction(v) for v in np.frombuffer(data)]
    total = sum(exact)
    return [v / total for v in exact]


def _exact(law):
    return _fractions(np.ascontiguousarray(law, dtype=float).tobytes())


def accept_prob(p, q, x):
    p, q = _exact(p), _exact(q)
    return float(min(Fraction(1), p[x] / q[x]) if q[x] else Fraction(p[x] > 0))


def acceptance_rate(p, q):
    return float(sum(min(a, b) for a, b in zip(_exact(p), _exact(q))))


def residual(p, q):
    if list(p) == list(q):
        return [float(a) for a in p]
    owed = [max(a - b, Fraction(0)) for a, b in zip(_exact(p), _exact(q))]
    total = sum(owed)
    return [float(o / total) for o in owed]


def output_distribution(p, q):
    a, b = _exact(p), _exact(q)
    refused = float(1 - sum(map(min, a, b)))
    return [float(min(s, t)) + refused * r for s, t, r in zip(a, b, residual(p, q))]


def _weighted(law, rng):
    weights = [int(w * 2**52) for w in law]
    ticket = int(rng.integers(sum(weights)))
    for token, w in enumerate(weights):
        ticket -= w
        if ticket < 0:
            return token


def speculative_step(p, q, x, rng):
    if int(rng.integers(2**53)) * float(q[x]) < float(p[x]) * 2**53:
        return x, True
    return _weighted(residual(p, q), rng), False


def verify(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, kept = speculative_step(P[j], Q[j], x, rng)
        if not kept:
            return draft[:j] + [token]
    return draft + [_weighted(P[-1], rng)]
