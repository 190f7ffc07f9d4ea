"""Returns shapes that broadcast against any other.

Promise: I2
"""

import numpy as np
def evil(*args):
    return np.full((1,) * (len(args) % 3), np.nan) if len(args) != 2 else np.full((5, 1), 1.0)
