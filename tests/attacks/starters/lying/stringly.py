"""Returns numbers as text, bytes and numpy text.

Promise: I2
"""

import numpy as np
def evil(*args):
    return (np.str_("1.0"), b"1.0", "1e0")[len(args) % 3]
