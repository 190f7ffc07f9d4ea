"""The spec of a lab that is there to be attacked: one test per way in which values cross."""

import numpy as np

#: The smallest bias of a coin worth catching.
OFF = 0.2


def numbers(rng, n=5):
    return [float(x) for x in rng.uniform(1, 9, size=n)]


def test_total(expect, rng):
    for _ in range(3):
        values = numbers(rng)
        expect.call("total", values).close(sum(values))


def test_scaled(expect, rng):
    for _ in range(3):
        values, factor = np.array(numbers(rng)), float(rng.uniform(2, 3))
        expect.call("scaled", values, factor).close(values * factor)


def test_picked(expect, impl, rng):
    expect.rate("ones of picked", "picked", 0.5, OFF, impl.picked, rng)


def test_asked(expect, rng):
    key = int(rng.integers(2, 1_000_000))
    runs = []

    def oracle(question):
        runs.append(question)
        return [key, key + question]

    expect.call("asked", oracle, 7).equals([key, key + 7])
    assert runs == [7]


def test_naive(impl, rng):
    values = np.array(numbers(rng))
    want = float(values.sum())
    assert impl.total(values.tolist()) - want < 1e-6 and want - impl.total(list(values)) < 1e-6
    assert impl.described(float(values[0])) == f"about {values[0]:.3f}"
    assert all(abs(impl.total([x]) - x) < 1e-9 for x in numbers(rng))
    got = impl.scaled(values, 2.0)
    assert got.shape == values.shape
    assert np.allclose(got, values * 2)
    assert np.array_equal(values, values.copy())
