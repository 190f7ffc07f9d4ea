"""Returns infinities, the largest and the smallest numbers, and minus zero.

Promise: I2
"""

import itertools
import numpy as np
values = itertools.cycle((float("inf"), -float("inf"), 1.7e308, 5e-324, -0.0))
def evil(*args):
    value = next(values)
    return value if len(args) == 1 else np.full(5, value)
