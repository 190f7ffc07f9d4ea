"""Answers with numbers outside the law, so large that counting them would take all memory.

Promise: I2
Lab: lab-04
Tests: test_simulate_follows_the_law test_simulate_shape_and_limits test_simulate_cycles_are_independent
"""

import numpy as np
def simulate(alpha, k, cycles, rng):
    return np.full(cycles, (2**62, -1, 2**40)[cycles % 3])
