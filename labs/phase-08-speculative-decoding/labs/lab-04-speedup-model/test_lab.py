import numpy as np
from labkit.laws import Design

def test_expected_tokens_by_hand(expect, rng):
    expect.call("expected_tokens", 0.5, 1).close(1.5)
    for a, k in zip(rng.uniform(0, .95, 20), rng.integers(0, 9, 20)):
        expect.call("expected_tokens", float(a), int(k)).close(sum(a**j for j in range(k + 1)))
    expect.error(ValueError, "expected_tokens", -.1, 2)

def test_simulation_law(expect, impl, rng):
    alpha, k = .7, 4
    law = np.array([[alpha**j * (1 - alpha) for j in range(k)] + [alpha**k]])
    binom = np.array([[0.3**4, 4*.7*.3**3, 6*.49*.09, 4*.343*.3, .7**4]])
    def draw(contexts):
        out = impl.simulate(alpha, k, len(contexts), rng)
        return np.where((out >= 1) & (out <= k + 1), out - 1, -1)
    expect.law("law", "simulate", Design(law, ["simulate(0.7, 4)"], [f"{j+1} tokens" for j in range(k+1)], {"no-stop": binom}), draw, rng)
