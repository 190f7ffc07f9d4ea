"""Random streams handed to an implementation.

A spec's own generator never crosses: the implementation gets a fresh stream derived from it, which the spec does not
use again. So an implementation can neither rewind nor predict what the spec draws next, and a run at home with the
same seed hands out the very same streams as the service did.
"""

import hashlib
import zlib

import numpy as np


def spec_stream(seed: int, test: str) -> np.random.Generator:
    """The spec's own generator for one test: it depends on the seed and the test's name, not on what ran before."""
    return np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, zlib.crc32(test.encode())])


def child_seed(parent: np.random.Generator, seed: int) -> int:
    """A 128-bit seed for a child stream. Advances `parent`; hashing keeps the child from telling anything about it."""
    material = parent.bytes(32) + seed.to_bytes(16, "big", signed=True)
    return int.from_bytes(hashlib.sha256(b"labkit child stream" + material).digest()[:16], "big")


def child_stream(seed: int) -> np.random.Generator:
    """The child stream itself, from `child_seed`."""
    return np.random.Generator(np.random.PCG64(seed))
