"""Raises with a message that is no str but claims to be one.

Promise: C5
"""

class Lie(str):
    __len__ = lambda self: 1
    __getitem__ = lambda self, i: Lie("\x1b" * 10_000_000)
    __str__ = __repr__ = __format__ = lambda self, *a: Lie("\x1b" * 1_000_000)
    encode = lambda self, *a: b"\x1b"
class Evil(Exception):
    __str__ = lambda self: Lie("\x1b[2J" * 100)
def evil(*args):
    raise Evil
