# ruff: noqa: D103 - a test's name is its sentence
"""The spec of the toy lab that peers are compared on: `peers/checks.py` holds the same checks for them."""

import numpy as np

DRAWS = 200_000
#: A correct sampler is further off once in 10^9 runs (Massart).
KS_LIMIT = np.sqrt(np.log(2 / 1e-9) / (2 * DRAWS))


def test_mean(expect, rng):
    values = rng.normal(size=1000)
    expect.call("mean", values).close(float(values.mean()))


def test_spread(expect, rng):
    values = rng.normal(size=1000)
    expect.call("spread", values).close(float(values.std()))


def test_middle(expect, rng):
    values = rng.normal(size=1001)
    expect.call("middle", values).close(float(np.sort(values)[500]))


def test_softmax(expect, rng):
    values = rng.normal(size=50)
    expect.call("softmax", values).close(np.exp(values) / np.exp(values).sum())


def test_running(expect, rng):
    values = rng.normal(size=500)
    expect.call("running", values).close(np.add.accumulate(values))


def test_clipped(expect, rng):
    values = rng.normal(size=500)
    expect.call("clipped", values, -0.5, 0.5).close(np.minimum(np.maximum(values, -0.5), 0.5))


def test_ranks(expect, rng):
    values = rng.normal(size=200)
    expect.call("ranks", values).close((values[:, None] > values[None]).sum(axis=1))


def test_shares(expect, rng):
    values = rng.random(size=2000)
    expect.call("shares", values, 10).close(np.bincount((values * 10).astype(int), minlength=10) / 2000)


def test_product(expect, rng):
    a, b = rng.normal(size=(30, 20)), rng.normal(size=(20, 10))
    expect.call("product", a, b).close(np.einsum("ij,jk->ik", a, b).ravel())


def test_distances(expect, rng):
    points = rng.normal(size=(60, 2))
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    expect.call("distances", points).close(apart.ravel())


def test_waits(impl, rng):
    drawn = np.sort(impl.waits(DRAWS, 2.0, rng))
    law = 1 - np.exp(-2.0 * drawn)
    above = np.arange(1, DRAWS + 1) / DRAWS - law
    assert max(above.max(), (law - np.arange(DRAWS) / DRAWS).max()) < KS_LIMIT


def test_steps(expect, rng):
    for start in rng.integers(1, 2**31 - 1, size=60):
        expect.call("steps", int(start)).equals(int(start) * pow(48_271, 20_000, 2**31 - 1) % (2**31 - 1))
