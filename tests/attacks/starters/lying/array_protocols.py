"""Returns objects that become arrays through __array__ and its relatives, of memory that is not theirs.

Promise: I2
"""

import numpy as np
class Interface:
    __array_interface__ = {"shape": (5,), "typestr": "<f8", "data": (4096, False), "version": 3}
class Array:
    def __array__(self, *a, **k): return np.zeros(5)
    __array_priority__ = 1e9
    __array_function__ = __array_ufunc__ = lambda self, *a, **k: True
def evil(*args):
    return Interface() if len(args) == 2 else Array()
