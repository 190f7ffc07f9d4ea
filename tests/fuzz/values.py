"""What is thrown at the channel: plain values, frames of them changed in places, and frames that lie in their form."""

import random
import struct
from typing import Any

import numpy as np
from hypothesis import strategies as st

from worker.harness.wire import DTYPES

LENGTHS = st.sampled_from([0, 1, 2, 3, 8, 255, 1_000, 1_001, 2**16, 10**6, 2**31, 2**32 - 1]) | st.integers(0, 40)
FLOATS = st.floats() | st.sampled_from([float("nan"), -0.0, float("inf"), 5e-324, -float("nan")])
INTEGERS = st.integers(-(2**999), 2**999) | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | st.text() | st.binary(max_size=64)
KEYS = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.tuples(st.integers(), st.text(max_size=4))


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Of any dtype that crosses, any bits, up to eight dimensions, some of them empty; contiguous or not."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3) | st.lists(st.sampled_from([0, 1, 2]), max_size=8)))
    size = int(np.prod(shape, dtype=int))
    data = draw(st.binary(min_size=size * dtype.itemsize, max_size=size * dtype.itemsize))
    if dtype.kind == "b":
        data = bytes(byte & 1 for byte in data)
    made = np.frombuffer(data, dtype).reshape(shape)
    return made.T if draw(st.booleans()) else made


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.lists(inner, max_size=5).map(tuple)
            | st.dictionaries(KEYS, inner, max_size=5)
            | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)
            | st.lists(FLOATS, max_size=20)
        ),
        max_leaves=20,
    )


PLAIN = nested(SCALARS | arrays())

#: One piece of a frame: a tag, often the right one, and what should or should not follow it.
_PIECES = (
    st.sampled_from([b"N", b"T", b"F"])
    | st.builds(lambda tag, n, data: tag + struct.pack(">I", n) + data,
                st.sampled_from([b"l", b"t", b"m", b"s", b"b", b"Q", b"D", b"I", b"H", b"G"]), LENGTHS,
                st.binary(max_size=40))
    | st.builds(lambda tag, data: tag + data, st.sampled_from([b"q", b"d"]), st.binary(min_size=6, max_size=8))
    | st.builds(lambda code, shape, data: b"a" + bytes((code, len(shape)))
                + b"".join(struct.pack(">I", n) for n in shape) + data,
                st.integers(0, 16), st.lists(LENGTHS, max_size=10), st.binary(max_size=64))
    | st.binary(max_size=9)
)  # fmt: skip
#: Bytes that look like a value for a while.
FRAMES = st.lists(_PIECES, max_size=30).map(b"".join)

_TELLING = b"\0\1\2\7\x7f\x80\xff" + b"NTFqIdsbltmQDaHG"


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """The frame with a few bytes changed, cut out, doubled or put in."""
    data = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if at < len(data):
                data[at] = chance.randrange(256)
            case 1 if at < len(data):
                data[at] = chance.choice(_TELLING)
            case 2:
                del data[at : at + chance.choice((1, 1, 4, 8))]
            case 3:
                data[at:at] = data[at : at + chance.choice((1, 4, 5, 9, 64))]
            case _:
                data[at:at] = bytes(chance.choice(_TELLING) for _ in range(chance.choice((1, 4, 5))))
    return bytes(data)


def is_plain(value: Any) -> bool:
    """Whether it is of the channel's own types, all the way down: no subclass, no object."""
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if type(value) is np.ndarray:
        return value.dtype.kind in "biufc" and value.dtype.isnative and value.base is None
    return type(value) in (type(None), bool, int, float, str, bytes)
