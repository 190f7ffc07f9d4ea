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

import struct
import sys
from array import array
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

MAX_DEPTH = 32
MAX_ITEMS = 1_000_000
MAX_INT_BYTES = 128
MAX_DICT = 1_000  # equal-hash keys cost quadratic time
MAX_DIMENSIONS = 8
DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
_CODE = {np.dtype(name): code for code, name in enumerate(DTYPES)}
_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")
_F64 = struct.Struct(">d")


class WireError(Exception):
    """Bytes that are no value, or a value past a limit."""


class Stream:
    """Stands for a random generator on the wire: `seed` of its child stream, `number` within the message."""

    def __init__(self, seed: int, number: int) -> None:
        self.seed = seed
        self.number = number


class Handle:
    """Stands for a callable on the wire: its number within the message."""

    def __init__(self, number: int) -> None:
        self.number = number


def encode(value: Any) -> bytes:
    """The bytes of a plain value (or Stream, Handle). Raises WireError for anything else."""
    parts: list[bytes] = []
    _put(parts, value, 0)
    return b"".join(parts)


def _put(parts: list[bytes], value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError("nested too deeply")
    put = _ENCODERS.get(type(value))
    if put is None:
        raise WireError(f"a {type(value).__name__} cannot cross")
    put(parts, value, depth)


def _put_bool(parts: list[bytes], value: bool, depth: int) -> None:
    parts.append(b"T" if value else b"F")


def _put_int(parts: list[bytes], value: int, depth: int) -> None:
    if -(2**63) <= value < 2**63:
        parts.append(b"q" + _I64.pack(value))
        return
    size = value.bit_length() // 8 + 1
    if size > MAX_INT_BYTES:
        raise WireError(f"an integer of {value.bit_length():,} bits")
    parts.append(b"I" + _U32.pack(size) + value.to_bytes(size, "big", signed=True))


def _put_float(parts: list[bytes], value: float, depth: int) -> None:
    parts.append(b"d" + _F64.pack(value))


def _put_str(parts: list[bytes], value: str, depth: int) -> None:
    data = value.encode("utf-8", "surrogatepass")
    parts.append(b"s" + _U32.pack(len(data)) + data)


def _put_bytes(parts: list[bytes], value: bytes, depth: int) -> None:
    parts.append(b"b" + _U32.pack(len(value)) + value)


def _put_list(parts: list[bytes], value: list[Any], depth: int) -> None:
    kinds = set(map(type, value))
    if kinds == {float}:
        parts.append(b"D" + _U32.pack(len(value)) + _packed("d", value))
        return
    if kinds == {int}:
        try:
            parts.append(b"Q" + _U32.pack(len(value)) + _packed("q", value))
            return
        except OverflowError:
            pass  # an int past 64 bits: item by item
    parts.append(b"l" + _U32.pack(len(value)))
    for item in value:
        _put(parts, item, depth + 1)


def _packed(code: str, value: list[Any]) -> bytes:
    packed = array(code, value)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _put_tuple(parts: list[bytes], value: tuple[Any, ...], depth: int) -> None:
    parts.append(b"t" + _U32.pack(len(value)))
    for item in value:
        _put(parts, item, depth + 1)


def _put_dict(parts: list[bytes], value: dict[Any, Any], depth: int) -> None:
    parts.append(b"m" + _U32.pack(len(value)))
    for key, item in value.items():
        _put(parts, key, depth + 1)
        _put(parts, item, depth + 1)


def _put_array(parts: list[bytes], value: np.ndarray, depth: int) -> None:
    little = value.astype(value.dtype.newbyteorder("<"), copy=False)
    code = _CODE.get(little.dtype)
    if code is None or value.ndim > MAX_DIMENSIONS:
        raise WireError(f"an array of dtype {value.dtype} and {value.ndim} dimensions cannot cross")
    shape = b"".join(_U32.pack(n) for n in value.shape)
    parts.append(b"a" + bytes((code, value.ndim)) + shape + little.tobytes())


def _put_stream(parts: list[bytes], value: Stream, depth: int) -> None:
    parts.append(b"G" + _U32.pack(value.number) + value.seed.to_bytes(16, "big"))


def _put_handle(parts: list[bytes], value: Handle, depth: int) -> None:
    parts.append(b"H" + _U32.pack(value.number))


_ENCODERS: dict[type, Callable[[list[bytes], Any, int], None]] = {
    type(None): lambda parts, value, depth: parts.append(b"N"),
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


class Decoder:
    """Reads one value. `handle` and `stream` turn H and G into something; without them these are refused."""

    def __init__(
        self,
        data: bytes,
        handle: Callable[[int], Any] | None = None,
        stream: Callable[[int, int], Any] | None = None,
    ) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._items = 0
        self._handle = handle
        self._stream = stream

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
        (n,) = _U32.unpack(self._take(4))
        self._items += n
        if self._items > MAX_ITEMS or n * item_bytes > len(self._data) - self._at:
            raise WireError(f"{n:,} items")
        return int(n)

    def _get(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise WireError("nested too deeply")
        get = self._GET.get(self._take(1)[0])
        if get is None:
            raise WireError("unknown tag")
        return get(self, depth)

    def _int(self, depth: int) -> int:
        (size,) = _U32.unpack(self._take(4))
        if size > MAX_INT_BYTES:
            raise WireError("an integer too large")
        return int.from_bytes(self._take(size), "big", signed=True)

    def _str(self, depth: int) -> str:
        try:
            return str(self._take(self._count(1)), "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise WireError("text that is not UTF-8") from error

    def _list(self, depth: int) -> list[Any]:
        return [self._get(depth + 1) for _ in range(self._count(1))]

    def _dict(self, depth: int) -> dict[Any, Any]:
        n = self._count(2)
        if n > MAX_DICT:
            raise WireError(f"a dict of {n:,} entries")
        out: dict[Any, Any] = {}
        for _ in range(n):
            key = self._get(depth + 1)
            if not isinstance(key, (str, int, float, bool, tuple, type(None))):
                raise WireError("a dict key that is no scalar")
            try:
                out[key] = self._get(depth + 1)
            except TypeError as error:
                raise WireError("a dict key that cannot be hashed") from error
        return out

    def _packed(self, code: str) -> list[Any]:
        n = self._count(8)
        packed = array(code)
        packed.frombytes(self._take(8 * n))
        if sys.byteorder == "big":
            packed.byteswap()
        return packed.tolist()

    def _array(self, depth: int) -> np.ndarray:
        code, dimensions = self._take(2)
        if code >= len(DTYPES) or dimensions > MAX_DIMENSIONS:
            raise WireError("no such array")
        shape = tuple(_U32.unpack(self._take(4))[0] for _ in range(dimensions))
        dtype = np.dtype(DTYPES[code])
        size = dtype.itemsize
        for n in shape:
            size *= n  # Python ints: no overflow to hide behind
        data = self._take(size)
        if 0 in shape and max(shape) > MAX_ITEMS:
            raise WireError("no such array")
        return np.frombuffer(data, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=True)

    def _get_handle(self, depth: int) -> Any:
        if self._handle is None:
            raise WireError("a callable from the guest")
        return self._handle(_U32.unpack(self._take(4))[0])

    def _get_stream(self, depth: int) -> Any:
        if self._stream is None:
            raise WireError("a random stream from the guest")
        (number,) = _U32.unpack(self._take(4))
        return self._stream(number, int.from_bytes(self._take(16), "big"))

    _GET: ClassVar[dict[int, Callable[["Decoder", int], Any]]] = {
        ord("N"): lambda self, depth: None,
        ord("T"): lambda self, depth: True,
        ord("F"): lambda self, depth: False,
        ord("q"): lambda self, depth: _I64.unpack(self._take(8))[0],
        ord("I"): _int,
        ord("d"): lambda self, depth: _F64.unpack(self._take(8))[0],
        ord("s"): _str,
        ord("b"): lambda self, depth: bytes(self._take(self._count(1))),
        ord("l"): _list,
        ord("t"): lambda self, depth: tuple(self._list(depth)),
        ord("m"): _dict,
        ord("Q"): lambda self, depth: self._packed("q"),
        ord("D"): lambda self, depth: self._packed("d"),
        ord("a"): _array,
        ord("H"): _get_handle,
        ord("G"): _get_stream,
    }
