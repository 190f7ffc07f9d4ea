"""Returns an ndarray subclass that answers every ufunc and function with zero.

Promise: I2
Lab: lab-04
Tests: test_expected_tokens_by_hand test_simulate_shape_and_limits
"""

import numpy as np
class Lie(np.ndarray):
    def __array_ufunc__(self, *a, **k): return np.float64(0)
    def __array_function__(self, *a, **k): return True
    __eq__ = lambda *a: True
def evil(*args):
    return np.full(5, -17).view(Lie)
