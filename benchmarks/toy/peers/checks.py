# ruff: noqa: D103 - a test's name is its sentence
"""The checks of the toy lab for graders other than ours: each takes what has the student's functions as attributes."""

import numpy as np

DRAWS = 200_000
KS_LIMIT = np.sqrt(np.log(2 / 1e-9) / (2 * DRAWS))
RNG = np.random.default_rng(8)


def close(found, wanted):
    assert np.allclose(np.asarray(found, float), wanted, rtol=1e-9, atol=1e-9)


def check_mean(given):
    values = RNG.normal(size=1000)
    close(given.mean(values), values.mean())


def check_spread(given):
    values = RNG.normal(size=1000)
    close(given.spread(values), values.std())


def check_middle(given):
    values = RNG.normal(size=1001)
    close(given.middle(values), np.sort(values)[500])


def check_softmax(given):
    values = RNG.normal(size=50)
    close(given.softmax(values), np.exp(values) / np.exp(values).sum())


def check_running(given):
    values = RNG.normal(size=500)
    close(given.running(values), np.add.accumulate(values))


def check_clipped(given):
    values = RNG.normal(size=500)
    close(given.clipped(values, -0.5, 0.5), np.minimum(np.maximum(values, -0.5), 0.5))


def check_ranks(given):
    values = RNG.normal(size=200)
    close(given.ranks(values), (values[:, None] > values[None]).sum(axis=1))


def check_shares(given):
    values = RNG.random(size=2000)
    close(given.shares(values, 10), np.bincount((values * 10).astype(int), minlength=10) / 2000)


def check_product(given):
    a, b = RNG.normal(size=(30, 20)), RNG.normal(size=(20, 10))
    close(given.product(a, b), np.einsum("ij,jk->ik", a, b).ravel())


def check_distances(given):
    points = RNG.normal(size=(60, 2))
    close(given.distances(points), np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)).ravel())


def check_waits(given):
    drawn = np.sort(given.waits(DRAWS, 2.0, RNG))
    law = 1 - np.exp(-2.0 * drawn)
    above = np.arange(1, DRAWS + 1) / DRAWS - law
    assert max(above.max(), (law - np.arange(DRAWS) / DRAWS).max()) < KS_LIMIT


def check_steps(given):
    for start in RNG.integers(1, 2**31 - 1, size=60):
        assert given.steps(int(start)) == int(start) * pow(48_271, 20_000, 2**31 - 1) % (2**31 - 1)
