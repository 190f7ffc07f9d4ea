"""Plain data: the only values that pass between a spec and an implementation.

None, bool, int, float, str, bytes, list, tuple, dict and numeric numpy arrays. Everything a student returns is
rebuilt from these, so that a clever subclass arrives as the plain value it stands for, or not at all.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

MAX_DEPTH = 32
MAX_ITEMS = 1_000_000
MAX_INT_BITS = 1_000
MAX_DICT = 1_000
MAX_KEY_ITEMS = 8  # of a tuple that is a dict's key
ARRAY_KINDS = "biufc"
#: What dict keys are made of; a tuple of a few of them is a key, too.
KEYS = (str, int, float, bool, type(None))

_WORDS = {
    "generator": "a generator (return list(...) of it)",
    "map": "a map object (return list(...) of it)",
    "filter": "a filter object (return list(...) of it)",
    "zip": "a zip object (return list(...) of it)",
    "set": "a set, which has no order (return a list)",
    "frozenset": "a set, which has no order (return a list)",
    "function": "a function (did you forget to call it?)",
    "builtin_function_or_method": "a function (did you forget to call it?)",
    "method": "a method (did you forget to call it?)",
}


class NotPlain(TypeError):
    """A value that is not plain data. Its text completes the sentence 'propose returned …'."""


def to_plain(value: Any) -> Any:
    """A fresh copy of `value` built from base types only. Raises NotPlain."""
    return _Copier().copy(value, 0)


class _Copier:
    def __init__(self) -> None:
        self.items = 0

    def copy(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotPlain(f"a value nested deeper than {MAX_DEPTH} levels")
        if value is None or isinstance(value, (bool, np.bool_)):
            return None if value is None else bool(value)
        if isinstance(value, np.generic):
            return self._scalar(value)
        if isinstance(value, (int, float, str, bytes)):
            return self._base(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, (list, tuple, range)):
            self._count(len(value))
            items = list(value)
            copied = items if _is_flat(items) else [self.copy(item, depth + 1) for item in items]
            return tuple(copied) if isinstance(value, tuple) else copied
        if isinstance(value, dict):
            return self._dict(value, depth)
        name = type(value).__name__
        raise NotPlain(_WORDS.get(name, f"an object of type {name}"))

    def _count(self, n: int) -> None:
        self.items += n
        if self.items > MAX_ITEMS:
            raise NotPlain(f"more than {MAX_ITEMS:,} items")

    def _base(self, value: Any) -> Any:
        if type(value) is float:
            return value
        plain = next(exact(value) for base, exact in _EXACT if isinstance(value, base))
        if isinstance(plain, int) and plain.bit_length() > MAX_INT_BITS:
            raise NotPlain(f"an integer of {plain.bit_length():,} bits")
        if isinstance(plain, (str, bytes)):
            self._count(len(plain))
        return plain

    def _dict(self, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
        if len(value) > MAX_DICT:
            raise NotPlain(f"a dict of {len(value):,} entries")
        self._count(2 * len(value))
        out = {}
        for key, item in value.items():
            plain = self.copy(key, depth + 1)
            if not is_key(plain):
                raise NotPlain(
                    f"a dict with the key {show(plain, 40)} (keys are numbers, texts or short tuples of them)"
                )
            out[plain] = self.copy(item, depth + 1)
        return out

    def _scalar(self, value: np.generic) -> Any:
        if value.dtype.kind not in ARRAY_KINDS or value.dtype.kind == "c":
            raise NotPlain(f"a numpy scalar of dtype {value.dtype}")
        return float(value) if value.dtype.kind == "f" else value.item()  # a long double's item is a long double

    def _array(self, value: np.ndarray) -> np.ndarray:
        if value.dtype.kind not in ARRAY_KINDS:
            raise NotPlain(f"a numpy array of dtype {value.dtype} (only numbers can be returned)")
        self._count(value.size)
        native = _NARROWER.get(value.dtype.str[1:])
        if native is None:
            return np.array(value, dtype=value.dtype.newbyteorder("="), order="C", copy=True, subok=False)
        with np.errstate(over="ignore"):
            return np.array(value, dtype=native, order="C", copy=True, subok=False)


_LARGEST = 2**MAX_INT_BITS - 1
#: Bytes below which a value's description is its own fingerprint.
_TOLD_WHOLE = 1024

#: What a subclass holds, whatever it says of itself.
_EXACT: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, bytes.__bytes__),
)

#: Long doubles differ from machine to machine: they arrive as doubles.
_NARROWER = {np.dtype(wide).str[1:]: np.dtype(to) for wide, to in (("g", "f8"), ("G", "c16"))}


def _is_flat(items: list[Any]) -> bool:
    """Whether they are ints, or floats, and nothing else that a copy or a digest must look into one by one."""
    kinds = set(map(type, items))
    if kinds == {int}:
        return bool(min(items) >= -_LARGEST and max(items) <= _LARGEST)
    return kinds == {float}


def is_key(value: Any) -> bool:
    """Whether a plain value may be a dict's key: comparing keys must cost next to nothing."""
    if isinstance(value, tuple):
        return len(value) <= MAX_KEY_ITEMS and all(isinstance(item, KEYS) for item in value)
    return isinstance(value, KEYS)


def fingerprint(value: Any) -> bytes:
    """What two values share only if they are the same, bit for bit (NaN equals itself, 1 is not 1.0).

    Values that are not plain data (a target function, a random generator) count as unchanged.
    """
    parts: list[bytes] = []
    _describe(parts.append, value, 0)
    told = b"".join(parts)
    return told if len(told) < _TOLD_WHOLE else hashlib.blake2b(told).digest() + b"digest"


def _describe(tell: Callable[[bytes], None], value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, np.ndarray):
        tell(f"a{value.dtype.str}{value.shape}".encode())
        tell(value.tobytes())
    elif isinstance(value, (list, tuple)):
        items = list(value)
        tell(f"{type(value).__name__}{len(items)}".encode())
        if _is_flat(items):
            tell(repr(items).encode())
            return
        for item in items:
            _describe(tell, item, depth + 1)
    elif isinstance(value, dict):
        tell(f"d{len(value)}".encode())
        for key, item in value.items():
            _describe(tell, key, depth + 1)
            _describe(tell, item, depth + 1)
    elif value is None or isinstance(value, (bool, int, float, str, bytes)):
        tell(f"{type(value).__name__}:{value!r}".encode(errors="backslashreplace"))


def same(a: Any, b: Any, rel: float = 1e-9) -> bool:
    """Whether two plain values agree: the same shape and whole numbers, floats within `rel` (relative or absolute)."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        if x.shape != y.shape or x.dtype.kind not in ARRAY_KINDS or y.dtype.kind not in ARRAY_KINDS:
            return False
        return bool(np.allclose(x, y, rtol=rel, atol=rel, equal_nan=True))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y, rel) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k], rel) for k in a)
    if isinstance(a, float) or isinstance(b, float):
        numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
        return numbers and bool(np.isclose(a, b, rtol=rel, atol=rel, equal_nan=True))
    return type(a) is type(b) and bool(a == b)


def show(value: Any, limit: int = 100) -> str:
    """`value` as a student should read it: short, with the number of items where the middle is left out."""
    if callable(value):
        return getattr(value, "label", None) or "<target>"
    if isinstance(value, np.random.Generator):
        return "rng"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        text = f"{value:.6g}"
        return text if not text.lstrip("-").isdigit() else f"{text}.0"
    if isinstance(value, list):
        return _show_items("[]", (show(item, limit) for item in value), len(value), limit)
    if isinstance(value, tuple):
        return _show_items("()", (show(item, limit) for item in value), len(value), limit)
    if isinstance(value, dict):
        return _show_items("{}", (f"{key!r}: {show(item, limit)}" for key, item in value.items()), len(value), limit)
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _show_items(brackets: str, items: Iterator[str], count: int, limit: int) -> str:
    opening, closing = brackets[0], brackets[1]
    shown: list[str] = []
    width = 2
    for text in items:
        width += len(text) + 2
        if width > limit:
            return f"{opening}{', '.join(shown)}{', ' if shown else ''}… {count} items{closing}"
        shown.append(text)
    return f"{opening}{', '.join(shown)}{closing}"
