"""Samples by Gumbel-max in log space; the coin is an exponential compared with the log ratio."""

import numpy as np


def _log(values):
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(values, dtype=float))


def accept_prob(p, q, x):
    if q[x] == 0:
        return float(p[x] > 0)
    return float(np.exp(min(0.0, _log(p[x]) - _log(q[x]))))


def acceptance_rate(p, q):
    return float(np.exp(np.minimum(_log(p), _log(q))).sum())


def residual(p, q):
    owed = np.where(p > q, p - q, 0)
    return np.array(p) if not owed.any() else np.exp(_log(owed) - _log(owed.sum()))


def output_distribution(p, q):
    return np.exp(np.minimum(_log(p), _log(q))) + (1 - acceptance_rate(p, q)) * residual(p, q)


def gumbel_max(law, rng):
    return int(np.argmax(_log(law) + rng.gumbel(size=len(law))))


def speculative_step(p, q, x, rng):
    log_ratio = _log(p[x]) - _log(q[x])
    if -rng.exponential() < log_ratio:
        return x, True
    return gumbel_max(residual(p, q), rng), False


def verify(P, Q, draft, rng):
    kept = 0
    for p, q, x in zip(P, Q, draft):
        token, ok = speculative_step(p, q, x, rng)
        if not ok:
            return list(draft[:kept]) + [token]
        kept += 1
    return list(draft) + [gumbel_max(P[kept], rng)]
