"""The README's five predictions, answered by the student's own implementation."""

from collections.abc import Callable

import numpy as np
from labkit.contract import Implementation

P = np.array([0.45, 0.25, 0.15, 0.10, 0.05])
CLUELESS = np.full(5, 0.2)
STEPS, REPEATS = (50, 2_000), 20
RUNS, K = 4_000, 3


def kept_share(impl: Implementation) -> str:
    """Overlap with a uniform drafter."""
    return f"{impl.acceptance_rate(P, CLUELESS):.0%} of its drafts are kept."


def corrections(impl: Implementation) -> str:
    """The residual against a uniform drafter."""
    law = impl.residual(P, CLUELESS)
    return (
        f"Token 0 in {law[0]:.0%} of the corrections (the residual is {np.round(law, 3).tolist()}); p says {P[0]:.0%}."
    )


def wrong_correction(impl: Implementation) -> str:
    """Total variation of the sampler that resamples from p."""
    accept = np.array([impl.accept_prob(P, CLUELESS, x) for x in range(5)])
    law = CLUELESS * accept + (1 - CLUELESS @ accept) * P
    return f"No: it follows {np.round(law, 3).tolist()}, a total variation of {abs(law - P).sum() / 2:.3f} away from p."


def noise(impl: Implementation) -> str:
    """Largest gap of the histogram after few and after many steps, averaged over repeats."""
    rng = np.random.default_rng(3)
    few, many = (np.mean([_largest_gap(impl, n, rng) for _ in range(REPEATS)]) for n in STEPS)
    return (
        f"Largest gap {few:.3f} after {STEPS[0]:,} steps, {many:.4f} after {STEPS[1]:,} (mean of {REPEATS}): "
        f"{few / many:.1f} times smaller for {STEPS[1] // STEPS[0]} times the work; the square root of that is "
        f"{(STEPS[1] / STEPS[0]) ** 0.5:.1f}."
    )


def _largest_gap(impl: Implementation, n: int, rng: np.random.Generator) -> float:
    drafts = rng.choice(5, size=n, p=CLUELESS)
    answers = impl.batch("speculative_step", [(P, CLUELESS, int(x), rng) for x in drafts])
    return float(abs(np.bincount([t for t, _ in answers], minlength=5) / n - P).max())


def tokens_per_run(impl: Implementation) -> str:
    """Mean length of verify's answer for drafts of a uniform drafter."""
    rng = np.random.default_rng(4)
    rows, drafts = np.tile(P, (K + 1, 1)), rng.integers(5, size=(RUNS, K)).tolist()
    lengths = [len(out) for out in impl.batch("verify", [(rows, np.tile(CLUELESS, (K, 1)), d, rng) for d in drafts])]
    alpha = impl.acceptance_rate(P, CLUELESS)
    return (
        f"{np.mean(lengths):.2f} tokens a run over {RUNS:,} runs; 1 + a + a² + a³ = "
        f"{sum(alpha**j for j in range(K + 1)):.2f} for a = {alpha:.2f}. Lab 04 starts here."
    )


PREDICTIONS: list[tuple[str, Callable[[Implementation], str]]] = [
    ("p = (.45 .25 .15 .10 .05), the drafter guesses uniformly: what share of its drafts is kept?", kept_share),
    ("The same pair: how often is a correction token 0?", corrections),
    ("After a refusal somebody draws from p itself. Does the output still follow p?", wrong_correction),
    ("You count tokens over 50 steps, then over 2,000. How much closer to p is the histogram?", noise),
    ("The same pair, runs of three drafts: how many tokens come out of verify on average?", tokens_per_run),
]
