"""Returns empty arrays, which broadcast and pass `all`.

Promise: I2
"""

import numpy as np
def evil(*args):
    return np.zeros(0, dtype=np.int64)
