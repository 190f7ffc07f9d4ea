"""What a student returns, as plain data, and in the type that the contract declares."""

import enum
from typing import Any

import numpy as np
import pytest
from labkit.faults import WrongType
from labkit.plain import NotPlain, same, to_plain
from labkit.returns import Signature


def accept(returns: str, value: Any) -> Any:
    return Signature.parse("f", f"() -> {returns}").accept(value)


@pytest.mark.parametrize(
    ("returns", "value", "accepted"),
    [
        ("int", np.array(3), 3),
        ("int", -(2**63), -(2**63)),
        ("float", 3, 3.0),
        ("float", 2**100, float(2**100)),
        ("bool", 1, True),
        ("list[int]", np.array([1, 2], np.uint8), [1, 2]),
        ("list[int]", (1, 2), [1, 2]),
        ("list[int]", np.empty((0, 3)), []),
        ("tuple[list[int], float]", [[1], 2], ([1], 2.0)),
        ("array[int]", [1, 2**63 - 1], np.array([1, 2**63 - 1])),
        ("array[int]", np.array([]), np.empty(0, np.int64)),
        ("array[float]", np.empty(0, complex), np.empty(0)),
        ("array[float]", [2**100, 1], np.array([2.0**100, 1.0])),
    ],
)
def test_a_value_that_means_the_same_is_accepted(returns: str, value: Any, accepted: Any) -> None:
    got = accept(returns, value)
    assert type(got) is type(accepted) and same(got, accepted)
    assert getattr(got, "dtype", None) == getattr(accepted, "dtype", None)


@pytest.mark.parametrize(
    ("returns", "value", "said"),
    [
        ("int", 2**63, "an integer of 64 bits"),
        ("int", np.array(2**63, np.uint64), "an integer of 64 bits"),
        ("int", True, "True, a bool"),
        ("int", 1.0, "1.0, a float"),
        ("float", 10**400, "far too large for a float"),
        ("list[int]", [1, 2**70], "a list whose item 1 is an integer of 71 bits"),
        ("list[int]", np.array([2**63], np.uint64), "a list whose item 0 is an integer of 64 bits"),
        ("array[int]", [-(2**63) - 1], "a list whose item 0 is an integer of 64 bits"),
        ("array[int]", np.array([0, 2**64 - 1], np.uint64), "an array with an integer of 64 bits"),
        ("array[int]", np.array([1.5]), "dtype float64"),
        ("array[float]", [10**400], "far too large for a float"),
        ("array[float]", np.ones(2, complex), "dtype complex128"),
        ("tuple[int, int]", [1], "1 values instead of 2"),
        ("dict", None, "is a return missing?"),
    ],
)
def test_anything_else_is_the_submissions_fault_and_says_what_it_was(returns: str, value: Any, said: str) -> None:
    with pytest.raises(WrongType) as told:
        accept(returns, value)
    assert said in told.value.sentence


class Itself(str):
    """Hands out no plain copy of itself."""

    def __str__(self) -> str:
        return self


class Colour(str, enum.Enum):  # noqa: UP042 - whose text is not its content
    RED = "red"


class Seven(int):
    def __int__(self) -> int:
        return 7


class Half(float):
    def __float__(self) -> float:
        return 0.5


class No(bytes):
    def __bytes__(self) -> bytes:
        return b"no"


@pytest.mark.parametrize(
    ("value", "plain"),
    [(Itself("abc"), "abc"), (Colour.RED, "red"), (Seven(3), 3), (Half(2.5), 2.5), (No(b"yes"), b"yes"),
     (np.float64(1.5), 1.5), (np.int8(3), 3), (np.bool_(True), True)],
)  # fmt: skip
def test_a_subclass_arrives_as_what_it_holds(value: Any, plain: Any) -> None:
    for copied, wanted in ((to_plain(value), plain), (to_plain([value])[0], plain), (to_plain({1: value})[1], plain)):
        assert type(copied) is type(wanted)
        assert repr(copied) == repr(wanted)


@pytest.mark.parametrize("value", [object(), {1}, np.array([object()]), np.complex128(1), np.str_("x"), iter([1])])
def test_an_object_is_no_plain_data(value: Any) -> None:
    with pytest.raises(NotPlain):
        to_plain(value)
