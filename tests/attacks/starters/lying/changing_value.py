"""Returns numbers that are different each time they are read.

Promise: I2
"""

import itertools
class Lie(float):
    reads = itertools.count()
    __float__ = lambda self: float(next(self.reads))
    __repr__ = __str__ = lambda self: str(next(self.reads))
    __format__ = lambda self, spec: "right"
    __eq__ = lambda *a: True
    __hash__ = float.__hash__
def evil(*args):
    return Lie(float("inf"))
