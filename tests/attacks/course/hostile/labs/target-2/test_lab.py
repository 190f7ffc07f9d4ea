"""The spec of a lab of the gpu queue that is there to be attacked: its judge asks an engine, its guests never do."""

import pytest


def check(expect, rng):
    numbers = [float(x) for x in rng.uniform(1, 9, size=5)]
    expect.call("total", numbers).close(sum(numbers))


def test_total(expect, rng):
    check(expect, rng)


@pytest.mark.gpu
def test_measured(engine, expect, rng):
    for number in (1, 2):
        assert engine.measure({"what": "baseline", "number": number}) == {"number": number}
        check(expect, rng)
