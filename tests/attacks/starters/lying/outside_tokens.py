"""Returns tokens that are no tokens, probabilities that are none, and drafts without end.

Promise: I2
Lab: lab-03
Tests: test_residual_by_hand test_step_law_for_chosen_drafts test_verify_law
"""

import numpy as np
def residual(p, q): return np.full(len(p), np.nan)
def speculative_step(p, q, x, rng): return (2**40, True)
def verify(P, Q, draft, rng): return [-1] * 1000
def evil(*args): return -1.0
