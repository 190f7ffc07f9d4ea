"""Returns NaN, of which `not error > tolerance` is true.

Promise: I2
Lab: lab-04
Tests: test_expected_tokens_by_hand test_simulate_shape_and_limits
"""

import numpy as np
def evil(*args):
    return float("nan") if len(args) != 4 else np.full(args[2], np.nan)
