"""Values on the channel between judge and guest: a closed set of types, bounded before anything is allocated.

A value is a tag byte and its content:

    N T F        None, True, False              q I     int: 64-bit, or length and two's complement
    d            float                          s b     str (UTF-8), bytes: 32-bit length
    l t m        list, tuple, dict: 32-bit count, then the items (keys and values in turn)
    Q D          list of 64-bit ints, of floats: 32-bit count, packed
    a            numeric numpy array: dtype, shape, data
    H G          judge to guest only: a callable by number, a random stream by its seed

There is no object, no pickle, no name to resolve: a hostile guest can only ever produce base types or a WireError.
"""

import sys
from array import array
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from labkit.plain import MAX_DICT, is_key

from worker.harness.crossing import (
    ARRAY,
    CONTAINER,
    DTYPE_OF,
    DTYPES,
    F64,
    I64,
    LARGE_INT,
    MAX_CALLBACK_BYTES,
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
from worker.harness.encoder import encode

__all__ = ["DTYPES", "MAX_CALLBACK_BYTES", "MAX_DEPTH", "Decoder", "Handle", "Stream", "WireError", "encode"]


class Decoder:
    """Reads one value. `handle` and `stream` turn H and G into something; without them these are refused."""

    def __init__(
        self,
        data: bytes,
        handle: Callable[[int], Any] | None = None,
        stream: Callable[[int], Any] | None = None,
    ) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._budget = Budget()
        self._handle = handle
        self._stream = stream

    @property
    def items(self) -> int:
        """What the value holds, as `Budget` counts it."""
        return self._budget.items

    def value(self) -> Any:
        """The one value of the data. Raises WireError."""
        value = self._get(0)
        if self._at != len(self._data):
            raise WireError("bytes after the value")
        return value

    def _take(self, n: int) -> memoryview:
        end = self._at + n
        if end > len(self._data):
            raise WireError("cut short")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def _count(self, item_bytes: int) -> int:
        """A 32-bit count whose items, at least `item_bytes` each, can still be in the data."""
        (n,) = U32.unpack(self._take(4))
        if n * item_bytes > len(self._data) - self._at:
            raise WireError("cut short")
        return int(n)

    def _get(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise WireError("nested too deeply")
        get = self._GET.get(self._take(1)[0])
        if get is None:
            raise WireError("unknown tag")
        return get(self, depth)

    def _int(self, depth: int) -> int:
        (size,) = U32.unpack(self._take(4))
        if size > MAX_INT_BYTES:
            raise WireError("an integer too large")
        self._budget.spend(LARGE_INT)
        return int.from_bytes(self._take(size), "big", signed=True)

    def _bytes(self, depth: int) -> bytes:
        n = self._count(1)
        self._budget.spend(n)
        return bytes(self._take(n))

    def _str(self, depth: int) -> str:
        try:
            return str(self._bytes(depth), "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise WireError("text that is not UTF-8") from error

    def _list(self, depth: int) -> list[Any]:
        n = self._count(1)
        self._budget.spend(CONTAINER + VALUE * n)
        return [self._get(depth + 1) for _ in range(n)]

    def _dict(self, depth: int) -> dict[Any, Any]:
        n = self._count(2)
        if n > MAX_DICT:
            raise WireError(f"a dict of {n:,} entries")
        self._budget.spend_dict(n)
        out: dict[Any, Any] = {}
        for _ in range(n):
            key = self._get(depth + 1)
            if not is_key(key):
                raise WireError("a dict key that is no scalar")
            out[key] = self._get(depth + 1)
        if len(out) != n:
            raise WireError("a dict with a key twice")
        return out

    def _packed(self, code: str) -> list[Any]:
        n = self._count(8)
        self._budget.spend(CONTAINER + n)
        packed = array(code)
        packed.frombytes(self._take(8 * n))
        if sys.byteorder == "big":
            packed.byteswap()
        return packed.tolist()

    def _array(self, depth: int) -> np.ndarray:
        self._budget.spend(ARRAY)
        code, dimensions = self._take(2)
        if code >= len(DTYPES) or dimensions > MAX_DIMENSIONS:
            raise WireError("no such array")
        shape = tuple(U32.unpack(self._take(4))[0] for _ in range(dimensions))
        check_shape(shape)
        dtype = DTYPE_OF[code]
        size = dtype.itemsize
        for n in shape:
            size *= n
        data = self._take(size)
        if dtype.kind == "b" and size and max(data) > 1:
            raise WireError("a truth value that is neither 0 nor 1")
        return np.frombuffer(data, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=True)

    def _get_handle(self, depth: int) -> Any:
        if self._handle is None:
            raise WireError("a callable from the guest")
        return self._handle(U32.unpack(self._take(4))[0])

    def _get_stream(self, depth: int) -> Any:
        if self._stream is None:
            raise WireError("a random stream from the guest")
        return self._stream(int.from_bytes(self._take(16), "big"))

    _GET: ClassVar[dict[int, Callable[["Decoder", int], Any]]] = {
        ord("N"): lambda self, depth: None,
        ord("T"): lambda self, depth: True,
        ord("F"): lambda self, depth: False,
        ord("q"): lambda self, depth: I64.unpack(self._take(8))[0],
        ord("I"): _int,
        ord("d"): lambda self, depth: F64.unpack(self._take(8))[0],
        ord("s"): _str,
        ord("b"): _bytes,
        ord("l"): _list,
        ord("t"): lambda self, depth: tuple(self._list(depth)),
        ord("m"): _dict,
        ord("Q"): lambda self, depth: self._packed("q"),
        ord("D"): lambda self, depth: self._packed("d"),
        ord("a"): _array,
        ord("H"): _get_handle,
        ord("G"): _get_stream,
    }
