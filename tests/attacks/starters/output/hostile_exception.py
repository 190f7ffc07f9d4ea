"""Raises exceptions whose text, class name and traceback misbehave.

Promise: C5
"""

class Meta(type):
    __name__ = property(lambda self: 1 / 0)
def evil(*args):
    class Evil(Exception):
        def __str__(self): raise SystemExit(0)
        __repr__ = __str__
    Evil.__name__ = "SystemExit"
    Evil.__qualname__ = "KeyboardInterrupt"
    raise Evil("x") from Evil("y")
