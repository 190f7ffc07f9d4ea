"""Frames that ask for the most memory or time per byte, as large as the limits let them be, and one step past them."""

import struct
import tracemalloc

from worker.harness.wire import Decoder, WireError


def _u32(n: int) -> bytes:
    return struct.pack(">I", n)


def _items(n: int, item: bytes, tag: bytes = b"l") -> bytes:
    return tag + _u32(n) + item * n


def _whole(k: int) -> bytes:
    return b"q" + struct.pack(">q", k)


def _same_hash(k: int) -> bytes:
    """An int that every dict puts where it puts 0."""
    return b"I" + _u32(12) + (k * (2**61 - 1)).to_bytes(12, "big", signed=True)


def _dict(n: int, key: "type[int] | object" = None) -> bytes:
    make = _same_hash if key is int else _whole
    return b"m" + _u32(n) + b"".join(make(k) + b"N" for k in range(n))


WORST = {
    "packed ints": b"Q" + _u32(999_990) + b"\x7f" * 8 * 999_990,
    "packed floats": b"D" + _u32(999_990) + b"\x40" * 8 * 999_990,
    "nothings": _items(499_990, b"N"),
    "too many nothings": _items(8_000_000, b"N"),
    "empty lists": _items(166_000, _items(0, b"")),
    "too many empty lists": _items(1_600_000, _items(0, b"")),
    "tuples of one": _items(124_000, _items(1, b"N", b"t")),
    "dicts of one": _items(99_000, _dict(1)),
    "dicts of six": _items(33_000, _dict(6)),
    "arrays of nothing": _items(55_500, b"a\0\0\1"),
    "too many arrays of nothing": _items(2_000_000, b"a\0\0\1"),
    "ints": _items(499_990, _whole(2**62)),
    "text of one emoji and ASCII": b"s" + _u32(999_990) + b"a" * 999_986 + "😀".encode(),
    "keys of one hash": _dict(990, int),
    "many dicts with keys of one hash": _items(400, _dict(990, int)),
    "tuples as keys": b"m" + _u32(1_000) + b"".join(_items(990, b"N", b"t")[:-1] + _same_hash(k)[:1] for k in range(9)),
    "large ints": _items(1_990, _same_hash(7)),
    "too many large ints": _items(490_000, _same_hash(7)),
    "empty and huge dimensions": b"a\7\x08" + _u32(0) + _u32(10**6) * 7,
    "nested": _items(30_000, _items(1, _items(1, _items(1, _items(1, b"N", b"t")), b"t"))),
}


def memory_of(frame: bytes) -> int:
    """The most bytes of memory that reading it takes, refused or not."""
    tracemalloc.start()
    try:
        Decoder(frame).value()
    except WireError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak
