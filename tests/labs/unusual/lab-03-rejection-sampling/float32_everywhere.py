"""All arithmetic and all results in float32, as on a GPU."""

import numpy as np

F = np.float32


def accept_prob(p, q, x):
    p, q = np.asarray(p, F), np.asarray(q, F)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.minimum(F(1), p / q)[x] if q[x] > 0 else F(p[x] > 0)


def acceptance_rate(p, q):
    return np.minimum(np.asarray(p, F), np.asarray(q, F)).sum(dtype=F)


def residual(p, q):
    p, q = np.asarray(p, F), np.asarray(q, F)
    owed = np.clip(p - q, F(0), None)
    return owed / owed.sum(dtype=F) if owed.any() else p


def output_distribution(p, q):
    p, q = np.asarray(p, F), np.asarray(q, F)
    return np.minimum(p, q) + (F(1) - acceptance_rate(p, q)) * residual(p, q)


def _draw(law, rng):
    cdf = np.cumsum(law, dtype=F)
    u = rng.random(dtype=np.float32) * cdf[-1]
    return np.int32(min(np.searchsorted(cdf, u, side="right"), np.flatnonzero(law)[-1]))


def speculative_step(p, q, x, rng):
    if rng.random(dtype=np.float32) < accept_prob(p, q, x):
        return np.int32(x), np.bool_(True)
    return _draw(residual(p, q), rng), np.bool_(False)


def verify(P, Q, draft, rng):
    P, Q = np.asarray(P, F), np.asarray(Q, F)
    out = []
    for p, q, x in zip(P, Q, draft):
        token, kept = speculative_step(p, q, x, rng)
        out.append(token)
        if not kept:
            return np.array(out, dtype=np.int32)
    out.append(_draw(P[len(draft)], rng))
    return np.array(out, dtype=np.int32)
