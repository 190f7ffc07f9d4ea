"""Returns masked, structured, date, text and matrix arrays.

Promise: I2
"""

import numpy as np
kinds = (np.ma.masked_array([1.0] * 5, mask=True), np.matrix([1.0] * 5), np.zeros(5, dtype=[("a", "f8")]),
         np.array(["1.0"] * 5), np.zeros(5, dtype="M8[s]"), np.zeros(5, dtype="V8"), np.float64(np.nan) * np.ones((5, 1)))
calls = []
def evil(*args):
    calls.append(1)
    return kinds[len(calls) % len(kinds)]
