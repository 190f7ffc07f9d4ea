"""Returns objects that claim another class, or fail in the middle of being asked for it.

Promise: I2
"""

class Lie:
    __class__ = property(lambda self: float)
    __float__ = lambda self: 0.0
    __eq__ = lambda *a: True
class Worse:
    @property
    def __class__(self): raise SystemExit(0)
def evil(*args):
    return Worse() if len(args) == 2 else Lie()
