"""What "the simulated mean is within 1 %" is worth, recomputed: `python -m labkit odds lab-04`. See the README."""

import numpy as np
from labkit.exact_odds import mean_outside
from labkit.manifest import Manifest
from labkit.wording import large

CYCLES, ONE_PERCENT = 20_000, 0.01


def answers(manifest: Manifest) -> list[tuple[str, str]]:
    """Question and answer, row by row of the README's table; ours come from lab.toml."""
    settings = ((0.5, 4), (0.7, 5), (0.8, 5))
    missed = [f"{mean_outside(law(a, k), CYCLES, ONE_PERCENT):.1%} at α = {a}, k = {k}" for a, k in settings]
    spread = [f"{deviation(law(a, k)):.2f}" for a, k in settings]
    return [
        ("how often does it fail a correct simulation, at 20,000 cycles?",
         f"{'; '.join(missed)}. **Ours: at most 1 of {large(1 / manifest.alpha)}**"),
        ("why so often?",
         f"one cycle's tokens have a relative standard deviation of {', '.join(spread)} there: the mean of 20,000 is "
         f"off by {deviation(law(0.5, 4)) / CYCLES**0.5:.2%} as a rule"),
        ("how many cycles until that is 1 in a billion?",
         f"{needed(law(0.5, 4), 1e-9):,} at α = 0.5, k = 4"),
        ("what does it not see?",
         "a simulation that returns the mean every time, or one coin for the whole cycle with a matched α: the mean is "
         "right. **Ours looks at whole cycles, and at neighbours**"),
    ]  # fmt: skip


def law(alpha: float, k: int) -> np.ndarray:
    """float[k+1]: the chances of 1 … k+1 tokens in a cycle."""
    return np.array([alpha**j * (1 - alpha) for j in range(k)] + [alpha**k])


def deviation(chances: np.ndarray) -> float:
    """Standard deviation of one cycle's tokens, relative to their mean."""
    values = np.arange(1, chances.size + 1)
    mean = chances @ values
    return float(np.sqrt(chances @ values**2 - mean**2) / mean)


def needed(chances: np.ndarray, rate: float) -> int:
    """The cycles at which the 1 % check fails a correct simulation with probability `rate`, to a thousand."""
    low, high = 1, 1_000  # thousands
    while low < high:
        middle = (low + high) // 2
        if mean_outside(chances, 1_000 * middle, ONE_PERCENT) > rate:
            low = middle + 1
        else:
            high = middle
    return 1_000 * low
