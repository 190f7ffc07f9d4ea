"""Returns a view of memory far beyond its array.

Promise: I2
"""

import numpy as np
def evil(*args):
    return np.lib.stride_tricks.as_strided(np.zeros(1), shape=(5,), strides=(1 << 30,))
