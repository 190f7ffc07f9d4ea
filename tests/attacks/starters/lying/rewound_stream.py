"""Rewinds and replaces the state of the random stream it is given, and answers with half its due.

Promise: I2
Right: yes
Earns: 8
"""

import numpy as np
def picked(n, rng):
    state = rng.bit_generator.state
    first = rng.integers(0, 2, size=1)
    rng.bit_generator.state = state
    rng.__setstate__(state) if hasattr(rng, "__setstate__") else None
    return np.repeat(first, n)
