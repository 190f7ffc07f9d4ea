"""What "200,000 draws within 0.005" is worth, recomputed: `python -m labkit odds lab-03`. See the README."""

import numpy as np
from labkit.exact_odds import average_over_targets, mean_total_variation, share_outside, shares_outside, tolerance_for
from labkit.manifest import Manifest
from labkit.wording import large

P = np.array([0.45, 0.25, 0.15, 0.10, 0.05])
Q = np.full(5, 0.2)
DRAWS, TOLERANCE = 200_000, 0.005


def answers(manifest: Manifest) -> list[tuple[str, str]]:
    """Question and answer, row by row of the README's table; ours come from lab.toml."""
    miss = shares_outside(P, DRAWS, TOLERANCE)
    random_targets = average_over_targets(8, DRAWS, TOLERANCE)
    certain, even = tolerance_for(P, DRAWS, 1e-9), tolerance_for(np.full(8, 1 / 8), DRAWS, 1e-9)
    small, half = shares_outside(P, 1_000, 0.03), shares_outside(P, 50_000, TOLERANCE)
    silent = 500 * share_outside(0.002, DRAWS, TOLERANCE, around=0.001)
    distance = mean_total_variation(np.full(50, 0.02), DRAWS)
    caught = draft_ignored()
    ours = large(1 / manifest.alpha)
    return [
        ("how often does it fail a correct step?",
         f"{miss * 1e6:.0f} of a million runs for our pair, {random_targets * 1e6:.0f} on average over random targets "
         f"(V = 8). **Ours: at most 1 of {ours}**"),
        ("and how often does it pass a wrong one?",
         "nobody can say: it was built for no mistake in particular. **Ours: each mistake on its list in at most 1 of "
         f"{large(1 / manifest.beta)} runs**"),
        ("which tolerance would be wrong once in a billion?",
         f"{certain:.4f} for our pair, {even:.4f} for eight equal tokens: no constant is right. "
         "**Ours is computed from p, the draws and the rate**"),
        ("what do cheaper versions cost?",
         f"1,000 draws to 0.03 fail a correct step in {small:.1%} of the runs, 50,000 to 0.005 in {half:.1%}"),
        ("does it see a step that ignores its draft and samples p?",
         f"never: the histogram is right, so it passes all but {miss * 1e6:.0f} of a million. **Ours sees the draft as "
         f"well: {caught:.0%} of the calls are impossible answers, so {1 / caught:.1f} calls are enough on average**"),
        ("with V = 1,000, a sampler that never says half of the tokens?",
         f"passes, but for a chance below 1 in {_round_below(1 / silent)}: each token is off by 0.001 only"),
        ("would total variation do better?",
         f"with V = 50 a *correct* sampler is {distance:.4f} away on average: name the norm you mean"),
    ]  # fmt: skip


def draft_ignored() -> float:
    """How often a step that samples p, whatever the draft, answers what a correct one never does for that draft."""
    kept = np.minimum(1.0, P / Q)
    owed = P > Q
    possible = [(np.arange(5) == x) & (kept[x] > 0) | (owed & (kept[x] < 1)) for x in range(5)]
    return float(sum(Q[x] * P[~possible[x]].sum() for x in range(5)))


def _round_below(value: float) -> str:
    return f"10^{len(str(int(value))) - 1}"
