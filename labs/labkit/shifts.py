"""Rules out that any share is off by a stated amount or more: what a pass promises about mistakes that nobody named.

For each outcome k of each context c, of probability p, two composite claims have to go: "at least p + effect" and "at
most p - effect". The likelihood ratio of p to p ± effect, in "k or not k", is a supermartingale under every law in the
claim (Bernoulli laws have monotone likelihood ratios), so that it reaches 1/beta there with probability beta at most,
whenever one looks (Ville). Being off by `effect` anywhere, a sampler passes at most that often.
"""

import numpy as np

Array = np.ndarray


class Shifts:
    """The claims of one law, float[C, K]; without an effect there are none."""

    def __init__(self, null: Array, effect: float | None) -> None:
        moves = [] if effect is None else [effect, -effect]
        shifted = np.stack([null + move for move in moves], axis=-1) if moves else np.zeros((*null.shape, 0))
        p = null[:, :, None]
        #: bool[C, K, S]: whether any law is in the claim
        self.possible = (shifted >= 0) & (shifted <= 1)
        shifted = np.clip(shifted, 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._came = np.log(p) - np.log(shifted)
            self._other = np.log1p(-p) - np.log1p(-shifted)

    def ruled_out(self, counts: Array, margin: float) -> Array:
        """bool[R, C, K, S]: the claims against which `counts`, int[R, C, K], hold evidence of e^margin or more."""
        came = counts[:, :, :, None]
        other = counts.sum(axis=2)[:, :, None, None] - came
        with np.errstate(invalid="ignore"):
            evidence = np.where(came > 0, came * self._came, 0.0) + np.where(other > 0, other * self._other, 0.0)
        return np.asarray((evidence >= margin) | ~self.possible)
