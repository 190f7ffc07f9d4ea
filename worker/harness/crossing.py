"""What may cross between judge and guest, and how much of it in one message.

Both ends count alike: what one lets out, the other lets in. It is counted before anything is made of it, so that
neither memory nor time is the sender's choice: one byte of a message can ask for sixty bytes of objects, an array
without elements takes as long as twenty numbers, and dict keys that share a hash are compared each with each.
"""

import struct

import numpy as np
from labkit import plain

MAX_DEPTH = plain.MAX_DEPTH + 4  # a message wraps its values
MAX_INT_BYTES = plain.MAX_INT_BITS // 8 + 1
MAX_DIMENSIONS = 8
DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
DTYPE_OF = tuple(np.dtype(name) for name in DTYPES)
CODE_OF = {dtype: code for code, dtype in enumerate(DTYPE_OF)}
U32 = struct.Struct(">I")
I64 = struct.Struct(">q")
F64 = struct.Struct(">d")

MAX_ITEMS = 1_000_000
#: What reaches a spec's callable at once.
MAX_CALLBACK_BYTES = 1024 * 1024
#: What counts as more than one item: one number of a packed list, or one byte of text.
VALUE, CONTAINER, ARRAY, LARGE_INT = 2, 4, 16, 500
#: Comparisons of dict keys: entries squared, summed over all dicts.
MAX_COMPARISONS = 4_000_000


class WireError(Exception):
    """Bytes that are no value, or a value past a limit."""


class Budget:
    """Counts one message. `items`: what it holds so far."""

    __slots__ = ("_comparisons", "items")

    def __init__(self) -> None:
        self.items = 0
        self._comparisons = 0

    def spend(self, items: int) -> None:
        """Count `items` more. Raises WireError past the limit."""
        self.items += items
        if self.items > MAX_ITEMS:
            raise WireError(f"more than {MAX_ITEMS:,} items")

    def spend_dict(self, entries: int) -> None:
        """Count a dict. Raises WireError past a limit."""
        self.spend(CONTAINER + 2 * VALUE * entries)
        self._comparisons += entries * entries
        if self._comparisons > MAX_COMPARISONS:
            raise WireError("dicts with too many entries in all")


def check_shape(shape: tuple[int, ...]) -> None:
    """Raises WireError. Where a dimension is empty the others are bounded as well: numpy and specs multiply them."""
    elements = 1
    for n in shape:
        elements *= max(n, 1)  # Python ints: no overflow to hide behind
    if elements > MAX_ITEMS:
        raise WireError(f"an array of shape {shape}")


class Stream:
    """Stands for a random generator on the wire: `seed` of its child stream."""

    def __init__(self, seed: int) -> None:
        self.seed = seed


class Handle:
    """Stands for a callable on the wire: its number within the test."""

    def __init__(self, number: int) -> None:
        self.number = number
