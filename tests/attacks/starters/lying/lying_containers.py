"""Returns list, tuple and dict subclasses whose length and items change with every look.

Promise: I2
"""

import itertools
class Lie(list):
    looks = itertools.count()
    __len__ = lambda self: next(self.looks) % 7
    __iter__ = lambda self: iter([True] * (next(self.looks) % 5))
    __getitem__ = lambda self, i: True
    __eq__ = lambda *a: True
class Map(dict):
    items = lambda self: iter([(float("nan"), True)] * 3)
    __len__ = lambda self: -1
    __eq__ = lambda *a: True
def evil(*args):
    return Map(a=1) if len(args) == 1 else Lie([1, 2, 3])
