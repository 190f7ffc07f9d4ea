"""Returns an array of objects that compare equal to anything.

Promise: I2
"""

import numpy as np
class Yes:
    __eq__ = lambda *a: True
    __float__ = lambda self: 1.0
def evil(*args):
    return np.array([Yes()] * 5, dtype=object)
