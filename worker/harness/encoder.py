"""Plain values to bytes; `worker.harness.wire` says what the bytes mean."""

import sys
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from labkit.plain import MAX_DICT, is_key

from worker.harness.crossing import (
    ARRAY,
    CODE_OF,
    CONTAINER,
    F64,
    I64,
    LARGE_INT,
    MAX_DEPTH,
    MAX_DIMENSIONS,
    MAX_INT_BYTES,
    U32,
    VALUE,
    Budget,
    Handle,
    Stream,
    WireError,
    check_shape,
)


def encode(value: Any) -> bytes:
    """The bytes of a plain value (or Stream, Handle). Raises WireError for anything else, or past a limit."""
    parts = _Parts()
    parts.put(value, 0)
    return b"".join(parts.parts)


class _Parts:
    """The pieces of one value."""

    __slots__ = ("add", "budget", "parts")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.add = self.parts.append
        self.budget = Budget()

    def put(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise WireError("nested too deeply")
        put = _ENCODERS.get(type(value))
        if put is None:
            raise WireError(f"a {type(value).__name__} cannot cross")
        put(self, value, depth)


def _put_bool(parts: _Parts, value: bool, depth: int) -> None:
    parts.add(b"T" if value else b"F")


def _put_int(parts: _Parts, value: int, depth: int) -> None:
    if -(2**63) <= value < 2**63:
        parts.add(b"q" + I64.pack(value))
        return
    size = value.bit_length() // 8 + 1
    if size > MAX_INT_BYTES:
        raise WireError(f"an integer of {value.bit_length():,} bits")
    parts.budget.spend(LARGE_INT)
    parts.add(b"I" + U32.pack(size) + value.to_bytes(size, "big", signed=True))


def _put_float(parts: _Parts, value: float, depth: int) -> None:
    parts.add(b"d" + F64.pack(value))


def _put_str(parts: _Parts, value: str, depth: int) -> None:
    data = value.encode("utf-8", "surrogatepass")
    parts.budget.spend(len(data))
    parts.add(b"s" + U32.pack(len(data)) + data)


def _put_bytes(parts: _Parts, value: bytes, depth: int) -> None:
    parts.budget.spend(len(value))
    parts.add(b"b" + U32.pack(len(value)) + value)


def _put_list(parts: _Parts, value: list[Any], depth: int) -> None:
    kinds = set(map(type, value))
    if kinds == {float} or (kinds == {int} and min(value) >= -(2**63) and max(value) < 2**63):
        parts.budget.spend(CONTAINER + len(value))
        tag, code = (b"D", "d") if kinds == {float} else (b"Q", "q")
        packed = array(code, value)
        if sys.byteorder == "big":
            packed.byteswap()
        parts.add(tag + U32.pack(len(value)) + packed.tobytes())
        return
    _put_items(parts, b"l", value, depth)


def _put_tuple(parts: _Parts, value: tuple[Any, ...], depth: int) -> None:
    _put_items(parts, b"t", value, depth)


def _put_items(parts: _Parts, tag: bytes, value: list[Any] | tuple[Any, ...], depth: int) -> None:
    parts.budget.spend(CONTAINER + VALUE * len(value))
    parts.add(tag + U32.pack(len(value)))
    for item in value:
        parts.put(item, depth + 1)


def _put_dict(parts: _Parts, value: dict[Any, Any], depth: int) -> None:
    if len(value) > MAX_DICT:
        raise WireError(f"a dict of {len(value):,} entries")
    parts.budget.spend_dict(len(value))
    parts.add(b"m" + U32.pack(len(value)))
    for key, item in value.items():
        if not is_key(key):
            raise WireError("a dict key that is no scalar")
        parts.put(key, depth + 1)
        parts.put(item, depth + 1)


def _put_array(parts: _Parts, value: np.ndarray, depth: int) -> None:
    little = value.astype(value.dtype.newbyteorder("<"), copy=False)
    code = CODE_OF.get(little.dtype)
    if code is None or value.ndim > MAX_DIMENSIONS:
        raise WireError(f"an array of dtype {value.dtype} and {value.ndim} dimensions cannot cross")
    check_shape(value.shape)
    parts.budget.spend(ARRAY)
    shape = b"".join(U32.pack(n) for n in value.shape)
    data = little.tobytes()
    if little.dtype.kind == "b":  # a view of other bytes can hold more than 0 and 1
        data = (np.frombuffer(data, "u1") != 0).tobytes()
    parts.add(b"a" + bytes((code, value.ndim)) + shape + data)


def _put_stream(parts: _Parts, value: Stream, depth: int) -> None:
    parts.add(b"G" + value.seed.to_bytes(16, "big"))


def _put_handle(parts: _Parts, value: Handle, depth: int) -> None:
    parts.add(b"H" + U32.pack(value.number))


_ENCODERS: dict[type, Callable[[_Parts, Any, int], None]] = {
    type(None): lambda parts, value, depth: parts.add(b"N"),
    bool: _put_bool,
    int: _put_int,
    float: _put_float,
    str: _put_str,
    bytes: _put_bytes,
    list: _put_list,
    tuple: _put_tuple,
    dict: _put_dict,
    np.ndarray: _put_array,
    Stream: _put_stream,
    Handle: _put_handle,
}
