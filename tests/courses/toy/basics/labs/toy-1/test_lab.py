"""The spec of the toy labs."""


def test_double(expect, rng):
    for x in rng.uniform(-9, 9, size=3):
        expect.call("double", float(x)).close(2 * float(x))


def test_total(expect, rng):
    items = [float(x) for x in rng.uniform(-9, 9, size=5)]
    expect.call("total", items).close(sum(items))
