"""What an order holds of a spec's arguments, and what of it each call is given."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from labkit.streams import child_seed, child_stream

from worker.harness.arguments import Lent, given
from worker.harness.wire import Decoder, Handle

SEED = 7


def crossed(calls: list[Any], handle: Callable[[int], Any] = Handle) -> list[tuple[list[Any], dict[str, Any]]]:
    """The arguments of these calls on the other side."""
    data = Lent(SEED).order("f", calls)
    assert struct.unpack(">I", data[:4])[0] == len(data) - 4
    word, function, values, places, names = Decoder(data[4:], handle=handle, stream=child_stream).value()
    assert (word, function) == ("call", "f")
    return [given(values, *call) for call in zip(places, names or [[]] * len(places), strict=True)]


def test_arguments_come_in_their_order_and_by_their_names() -> None:
    calls = [((1, "two"), {}), ((3,), {"k": [4.5], "deep": {"a": (None, True)}}), ((), {"k": 6})]
    assert crossed(calls) == [([1, "two"], {}), ([3], {"k": [4.5], "deep": {"a": (None, True)}}), ([], {"k": 6})]


def test_the_same_object_crosses_once_however_many_calls_have_it() -> None:
    p = np.arange(1000.0)
    once = len(Lent(SEED).order("f", [((p, 0), {})]))
    often = len(Lent(SEED).order("f", [((p, n % 3), {}) for n in range(1000)]))
    assert often < 1.1 * once + 1000 * 40
    assert len(Lent(SEED).order("f", [((p.copy(), 0), {}) for _ in range(10)])) > 9 * once


@pytest.mark.parametrize("value", [np.zeros(3), [0, 0, 0], {"a": [0]}, ([0],)])
def test_each_call_has_copies_of_its_own(value: Any) -> None:
    [[first, same], _], [[second], _] = crossed([((value, value), {}), ((value,), {})])
    assert first is not same
    assert first is not second
    inner = first[0] if isinstance(first, tuple) else first["a"] if isinstance(first, dict) else first
    inner[0] = 9
    assert "9" not in f"{same}{second}"


def test_values_that_are_equal_and_not_the_same_kind_stay_what_they_are() -> None:
    [(arguments, _)] = crossed([((1, 1.0, True), {})])
    assert [type(one) for one in arguments] == [int, float, bool]


def test_calls_that_share_a_generator_share_its_stream() -> None:
    def generator() -> np.random.Generator:
        return np.random.default_rng(3)

    rng, other = generator(), np.random.default_rng(4)
    calls = crossed([((rng,), {}), ((other,), {}), ((rng,), {})])
    first, second, again = (call[0][0] for call in calls)
    assert first is again
    assert first is not second
    assert first.random() == child_stream(child_seed(generator(), SEED)).random()


def test_functions_are_numbered_by_the_object() -> None:
    [(arguments, named)] = crossed([((len, sum, len), {"g": sum})], handle=lambda number: number)
    assert arguments == [0, 1, 0]
    assert named == {"g": 1}


def test_what_cannot_cross_is_the_specs_fault() -> None:
    with pytest.raises(ValueError, match="too much for one message"):
        Lent(SEED).order("f", [(("x" * 999_999, "y" * 999_999), {})])
