"""The evidence E against a law, draw by draw, for one sampler or for many at once.

    E = 1/2 · (mean over named mistakes of likelihood ratio)  +  1/2 · (Dirichlet mixtures around the law, omnibus)

E is a likelihood ratio to the law, so that P(sup E >= 1/alpha) <= alpha for a correct sampler, whenever one looks.
The omnibus half mixes over all contexts together and over each context alone, at two concentrations KAPPAS.
"""

import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray

KAPPAS = (4.0, 64.0)
_KAPPA = np.array(KAPPAS)


class Mixture:
    """The bets against one law. null: float[C, K]; alternatives: float[C, K] each, the named mistakes."""

    def __init__(self, null: Array, alternatives: Sequence[Array]) -> None:
        self.null = null
        with np.errstate(divide="ignore"):
            self.log_null = np.log(null)
            logs = [np.log(law) for law in alternatives]
        with np.errstate(invalid="ignore"):
            #: float[C, K, A]: what one draw adds to the log likelihood ratio of each mistake; NaN where the law has 0.
            gains = [log - self.log_null for log in logs]
            self.ratios = np.stack(gains, axis=2) if gains else np.zeros((*null.shape, 0))

    def begin(self, runs: int = 1) -> "Standing":
        """Where `runs` samplers stand before their first draw."""
        return Standing(self, runs)


class Standing:
    """Where R samplers stand: all the log evidence against each, part by part.

    counts: int[R, C, K]. named: float[R, A], `lowest` the least it ever was. rows: float[R, 2, C], the Dirichlet
    mixture of each context at each kappa.
    """

    def __init__(self, mixture: Mixture, runs: int) -> None:
        self.mixture = mixture
        contexts, _ = mixture.null.shape
        self.counts = np.zeros((runs, *mixture.null.shape), dtype=np.int64)
        self.named = np.zeros((runs, mixture.ratios.shape[2]))
        self.lowest = self.named.copy()
        self.rows = np.zeros((runs, len(KAPPAS), contexts))

    def take(self, contexts: Array, outcomes: Array, limit: float) -> tuple[Array, Array]:
        """Take m draws of each sampler into account: int[R, m] each, outcomes that the law allows.

        (int[R]: the first of these draws at which the log of E is `limit` or more, -1 where there is none;
        float[R]: the log of E there, else after the last draw).
        """
        path = _Path(self, contexts, outcomes)
        path.settle()
        first, log_e = np.full(len(contexts), -1), self.log_e()
        for run in np.flatnonzero(path.highest >= limit):
            values = path.log_e(int(run))
            crossed = np.flatnonzero(values >= limit)
            if crossed.size:
                first[run], log_e[run] = crossed[0], values[crossed[0]]
        return first, log_e

    def log_e(self) -> Array:
        """float[R]: the log of E now."""
        return _combined(self.rows.sum(axis=2), self.rows, self.named)

    def only(self, runs: Array) -> "Standing":
        """The samplers `runs` alone: int[·], or bool[R]."""
        kept = Standing(self.mixture, 0)
        kept.counts, kept.named, kept.rows = self.counts[runs], self.named[runs], self.rows[runs]
        kept.lowest = self.lowest[runs]
        return kept


class _Path:
    """The parts of E after each of m draws, for the samplers of `standing`.

    highest: float[R], a bound on the log of E at all these draws: what it were if all parts were largest at once.
    """

    def __init__(self, standing: Standing, contexts: Array, outcomes: Array) -> None:
        self._standing, self._contexts, self._outcomes = standing, contexts, outcomes
        mixture, (runs, m) = standing.mixture, contexts.shape
        n_contexts, n_outcomes = mixture.null.shape
        run = np.arange(runs)[:, None]
        row = run * n_contexts + contexts
        asked, order, starts = _ranks(row)
        asked += standing.counts.sum(axis=2)[run, contexts]
        came = _ranks(row * n_outcomes + outcomes)[0] + standing.counts[run, contexts, outcomes]
        law = mixture.null[contexts, outcomes]
        prior = _KAPPA[:, None, None] * law
        steps = np.log((prior + came) / (prior + law * asked))  # float[2, R, m]
        self._rows_before = standing.rows.copy()
        #: float[2, R, m]: the mixture of all contexts together
        self._together = np.cumsum(steps, axis=2) + standing.rows.sum(axis=2).T[:, :, None]
        sums = np.cumsum(steps.reshape(len(KAPPAS), -1)[:, order], axis=1)
        earlier = np.where(starts > 0, sums[:, starts - 1], 0.0)
        sizes = np.diff(starts, append=runs * m)
        self._last = order[starts + sizes - 1]  # the last draw of each context of each sampler
        touched = self._touched = (np.repeat(np.arange(runs), m)[self._last], contexts.ravel()[self._last])
        ordered = sums + np.repeat(standing.rows[touched[0], :, touched[1]].T - earlier, sizes, axis=1)
        rows = np.empty_like(ordered)
        rows[:, order] = ordered
        #: float[2, R, m]: that of the context just asked
        self._rows = rows.reshape(prior.shape)
        #: float[R, m, A]
        self._named = np.cumsum(mixture.ratios[contexts, outcomes], axis=1) + standing.named[:, None, :]
        high = standing.rows.copy()
        high[touched[0], :, touched[1]] = np.maximum(
            high[touched[0], :, touched[1]], np.maximum.reduceat(ordered, starts, axis=1).T
        )
        self.highest = _combined(self._together.max(axis=2).T, high, self._named.max(axis=1))

    def log_e(self, run: int) -> Array:
        """float[m]: the log of E of one sampler after each draw."""
        m, contexts = self._contexts.shape[1], self._contexts[run]
        draws = np.arange(m)
        touched = np.full((m, self._rows_before.shape[2]), -1)
        touched[draws, contexts] = draws
        touched = np.maximum.accumulate(touched, axis=0)  # the draw that each context was asked in last
        rows = np.where(touched >= 0, self._rows[:, run][:, touched], self._rows_before[run][:, None, :])
        return _combined(self._together[:, run].T, rows.transpose(1, 0, 2), self._named[run])

    def settle(self) -> None:
        """Leave `standing` after the last draw."""
        standing = self._standing
        run = np.arange(len(self._contexts))[:, None]
        np.add.at(standing.counts, (run, self._contexts, self._outcomes), 1)
        standing.rows[self._touched[0], :, self._touched[1]] = self._rows.reshape(len(KAPPAS), -1)[:, self._last].T
        standing.lowest = np.minimum(standing.lowest, self._named.min(axis=1))
        standing.named = self._named[:, -1]


def _combined(together: Array, rows: Array, named: Array) -> Array:
    """float[N]: the log of E from its parts: float[N, 2], float[N, 2, C], float[N, A]."""
    omnibus = log_mean(np.stack([log_mean(together), log_mean(rows.reshape(len(rows), -1))], axis=1))
    return log_mean(np.stack([omnibus, log_mean(named)], axis=1)) if named.shape[1] else omnibus


def _ranks(keys: Array) -> tuple[Array, Array, Array]:
    """(int[R, m]: how many equal keys stand before each one; the order that sorts them; where each group starts)."""
    flat = keys.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    ranks = np.empty(flat.size, dtype=np.int64)
    ranks[order] = np.arange(flat.size) - np.repeat(starts, np.diff(starts, append=flat.size))
    return ranks.reshape(keys.shape), order, starts


def omnibus(counts: Array, law: Array) -> float:
    """The log evidence of `counts`, int[C, K], against `law` by the omnibus half alone; inf where it has a 0."""
    if np.any(counts[law == 0]):
        return math.inf
    rows = np.zeros((len(KAPPAS), len(law)))
    for (context, outcome), n in np.ndenumerate(counts):
        if n:
            p = law[context, outcome]
            rows[:, context] += [math.lgamma(k * p + n) - math.lgamma(k * p) - n * math.log(p) for k in KAPPAS]
    for context, total in enumerate(counts.sum(axis=1)):
        rows[:, context] += [math.lgamma(k) - math.lgamma(k + int(total)) for k in KAPPAS]
    return float(log_mean(np.array([log_mean(rows.sum(axis=1)), log_mean(rows.ravel())])))


def log_likelihood(counts: Array, law: Array) -> float:
    """The log likelihood of `counts` under `law`, float[C, K]; -inf where it has a 0."""
    seen = counts > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(counts[seen] * np.log(law[seen])))


def log_mean(values: Array) -> Array:
    """The log of the mean of exp(values) along the last axis; -inf where all are."""
    top = values.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.mean(np.exp(values - top), axis=-1)) + top[..., 0])
