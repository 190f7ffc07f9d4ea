"""A dataclass, a sampler object and a generator function do the work; flags are 0 and 1, tokens numpy integers."""

from dataclasses import dataclass
from itertools import takewhile

import numpy as np


@dataclass
class Pair:
    p: np.ndarray
    q: np.ndarray

    @property
    def overlap(self):
        return np.minimum(self.p, self.q)

    def coin(self, x):
        if self.q[x] == 0.0:
            return np.float64(self.p[x] > 0)
        return self.overlap[x] / self.q[x]

    def debt(self):
        owed = self.p - self.overlap
        return owed / owed.sum() if owed.sum() > 0 else self.p


class Sampler:
    def __init__(self, rng):
        self.rng = rng

    def token(self, law):
        return np.int64(np.flatnonzero(self.rng.multinomial(1, law))[0])


def accept_prob(p, q, x):
    return Pair(p, q).coin(x)


def acceptance_rate(p, q):
    return Pair(p, q).overlap.sum()


def residual(p, q):
    return Pair(p, q).debt()


def output_distribution(p, q):
    pair = Pair(p, q)
    return pair.overlap + (1 - pair.overlap.sum()) * pair.debt()


def speculative_step(p, q, x, rng):
    pair = Pair(np.array(p), np.array(q))
    if rng.random() < pair.coin(x):
        return np.int64(x), 1
    return Sampler(rng).token(pair.debt()), 0


def _steps(P, Q, draft, rng):
    for p, q, x in zip(P, Q, draft):
        yield speculative_step(p, q, x, rng)


def verify(P, Q, draft, rng):
    last = []
    kept = [t for t, ok in takewhile(lambda s: last.append(s) or s[1], _steps(P, Q, draft, rng))]
    if len(kept) < len(draft):
        return kept + [last[-1][0]]
    return kept + [Sampler(rng).token(P[-1])]
