"""One uniform per step: what is left of it after the refusal, (u - a) / (1 - a), is uniform again."""

import numpy as np


def accept_prob(p, q, x):
    return 1.0 if p[x] > 0 and p[x] >= q[x] else (float(p[x] / q[x]) if q[x] else 0.0)


def acceptance_rate(p, q):
    return float(np.minimum(p, q) @ np.ones(len(p)))


def residual(p, q):
    owed = np.fmax(p - q, 0.0)
    return owed / np.linalg.norm(owed, 1) if np.any(owed) else p.copy()


def output_distribution(p, q):
    kept = np.fmin(p, q)
    return kept + (1.0 - kept.sum()) * residual(p, q)


def _from(law, u):
    cdf = np.cumsum(law)
    return int(np.argmax(cdf > u * cdf[-1]))


def _decide(p, q, x, u):
    a = accept_prob(p, q, x)
    if u < a:
        return int(x), True, u / a
    return _from(residual(p, q), (u - a) / (1.0 - a)), False, 0.0


def speculative_step(p, q, x, rng):
    return _decide(p, q, x, rng.random())[:2]


def verify(P, Q, draft, rng):
    u, tokens = rng.random(), []
    for p, q, x in zip(P, Q, draft):
        token, kept, u = _decide(p, q, x, u)
        tokens.append(token)
        if not kept:
            return tokens
    return tokens + [_from(P[-1], u)]
