import numpy as np
def expected_tokens(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha")
    return float(sum(alpha**j for j in range(k + 1)))
def simulate(alpha, k, cycles, rng):
    return 1 + np.cumprod(rng.random((cycles, k)) < alpha, axis=1).sum(axis=1)
