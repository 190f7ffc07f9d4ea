"""Returns an int subclass that is every number at once.

Promise: I2
"""

class Lie(int):
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda *a: True
    __hash__ = int.__hash__
    __index__ = __int__ = __trunc__ = lambda self: Lie(0)
    __float__ = lambda self: 0.0
    __sub__ = __rsub__ = __abs__ = lambda self, *a: Lie(0)
def evil(*args):
    return Lie(-17)
