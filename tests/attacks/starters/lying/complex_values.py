"""Returns complex numbers, of which only the real part might be looked at.

Promise: I2
"""

import numpy as np
def evil(*args):
    return complex("nan") if len(args) == 1 else np.full(5, 1 + 1e9j)
