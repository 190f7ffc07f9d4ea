"""Samplers to try a test on: the mixture that its evidence weighs against the law, and deviations that nobody named."""

import numpy as np
from labkit.laws import KAPPAS, Design

Array = np.ndarray

#: From here on an outcome is certain, but for rounding.
CERTAIN = 1 - 1e-9
WHERE = ("one context", "all contexts")


def mixture(design: Design, runs: int, rng: np.random.Generator) -> Array:
    """float[runs, C, K]: laws drawn from the mixture whose likelihood ratio to the law is the evidence E itself.

    Half the time a named mistake, else rows from Dirichlet(kappa · law): all of them, or those of one context.
    """
    laws = np.repeat(design.null[None], runs, axis=0)
    named = list(design.alternatives.values())
    by_name = rng.random(runs) < (0.5 if named else 0.0)
    picked = rng.integers(max(1, len(named)), size=runs)
    for number, law in enumerate(named):
        laws[by_name & (picked == number)] = law
    omnibus = np.flatnonzero(~by_name)
    kappa = rng.choice(KAPPAS, size=len(omnibus))
    rows = rng.standard_gamma(kappa[:, None, None] * design.null)
    rows /= rows.sum(axis=-1, keepdims=True)
    alone = rng.random(len(omnibus)) < 0.5
    context = rng.integers(len(design.null), size=len(omnibus))
    kept = alone[:, None] & (np.arange(len(design.null)) != context[:, None])
    laws[omnibus] = np.where(kept[:, :, None], design.null, rows)
    return laws


def deviating(design: Design, where: str, size: float, runs: int, rng: np.random.Generator) -> Array | None:
    """float[runs, C, K]: samplers that move a share `size` of the mass of one context, or of every context.

    In a context, the outcome with a share nearest one half gains or loses `size`, the others keep their proportions.
    None where no context leaves room for that.
    """
    up, down = _moved(design.null, size), _moved(design.null, -size)
    room = ~np.isnan(np.stack([up, down]).sum(axis=2))
    movable = np.flatnonzero(room.any(axis=0) & (design.context_weights > 0))
    if not movable.size:
        return None
    heads = rng.random((runs, len(design.null))) < 0.5
    upward = room[0] & (heads | ~room[1])
    moved = np.where(upward[:, :, None], np.nan_to_num(up), np.nan_to_num(down))
    here = np.zeros(upward.shape, dtype=bool)
    if where == "one context":
        here[np.arange(runs), rng.choice(movable, size=runs)] = True
    else:
        here[:, movable] = True
    return np.asarray(np.where(here[:, :, None], moved, design.null))


def _moved(law: Array, by: float) -> Array:
    """float[C, K]: the outcome nearest one half with `by` more; NaN rows where there is no room."""
    rows = np.arange(len(law))
    outcome = np.argmin(np.abs(law - 0.5), axis=1)
    share = law[rows, outcome]
    moved = share + by
    fits = (share < CERTAIN) & (moved >= 0) & (moved <= 1)
    scaled = law * ((1 - moved) / np.where(share < CERTAIN, 1 - share, 1.0))[:, None]
    scaled[rows, outcome] = moved
    scaled[~fits] = np.nan
    return np.asarray(scaled)


def distance(design: Design, law: Array) -> float:
    """Total variation distance of `law` from the right one, over the contexts by their weights."""
    return float(design.context_weights @ np.abs(law - design.null).sum(axis=1) / 2)
