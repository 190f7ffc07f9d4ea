"""Lab 03, rejection sampling: your work. Write the six bodies; keep names and parameters. README.md says how.

p and q are probability distributions over the same V tokens, float64 arrays of shape (V,): p is the target's,
q the drafter's. Never modify an argument. Draw random numbers from `rng` (a numpy.random.Generator) only.
"""

import numpy as np


def accept_prob(p: np.ndarray, q: np.ndarray, x: int) -> float:
    """Probability of keeping draft token x, which the drafter drew from q.

    p, q: float[V], x: a token, 0 <= x < V. Returns a float from 0 to 1.
    Where q[x] = 0 but p[x] > 0 there is nothing to thin out: 1.

    >>> accept_prob(np.array([0.2, 0.8]), np.array([0.5, 0.5]), 0)
    0.4

    About 3 lines.
    """
    raise NotImplementedError("lab-03 stage 1: accept_prob - README section 1")


def acceptance_rate(p: np.ndarray, q: np.ndarray) -> float:
    """Probability that a draft is kept when it is drawn from q: a closed form, no sampling.

    p, q: float[V]. Returns a float from 0 to 1.

    >>> acceptance_rate(np.array([0.2, 0.8]), np.array([0.5, 0.5]))
    0.7

    About 1 line.
    """
    raise NotImplementedError("lab-03 stage 1: acceptance_rate - README section 1")


def residual(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The distribution a token is drawn from after a refusal.

    p, q: float[V]. Returns float[V] that sums to 1; p itself where p == q.

    >>> residual(np.array([0.5, 0.4, 0.1]), np.array([0.2, 0.3, 0.5]))
    array([0.75, 0.25, 0.  ])

    About 4 lines.
    """
    raise NotImplementedError("lab-03 stage 2: residual - README section 2")


def output_distribution(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The exact law of the token that one step returns when its draft is drawn from q: computed, not sampled.

    p, q: float[V]. Returns float[V]: for each token, the chance to end with it as a kept draft plus the chance to
    end with it as a correction. Build it from those two parts; that the sum is p is the theorem of this lab.

    About 3 lines.
    """
    raise NotImplementedError("lab-03 stage 2: output_distribution - README section 2")


def speculative_step(p: np.ndarray, q: np.ndarray, x: int, rng: np.random.Generator) -> tuple[int, bool]:
    """Keep draft x, or refuse it and draw a correction.

    p, q: float[V], x: the draft, a token with q[x] > 0 (it was drawn from q already; do not draw it again).
    Returns (token, accepted): (x, True) for a kept draft, (correction, False) otherwise.

    About 4 lines.
    """
    raise NotImplementedError("lab-03 stage 3: speculative_step - README section 3")


def verify(P: np.ndarray, Q: np.ndarray, draft: list[int], rng: np.random.Generator) -> list[int]:
    """Check a run of k drafts and return the tokens to emit, 1 to k+1 of them.

    P: float[k+1, V], Q: float[k, V], draft: a list of k tokens, k >= 0. P[j] and Q[j] are the two distributions after
    draft[:j]. Left to right: keep drafts until one is refused, emit its correction and stop there; if none is
    refused, emit one bonus token drawn from P[k].

    About 8 lines.
    """
    raise NotImplementedError("lab-03 stage 4: verify - README section 4")
