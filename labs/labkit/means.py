"""A sequential test of the mean of bounded values, whatever their law.

Against "the mean is m" one bets on each value x of 0 … 1: a stake λ turns capital K into K·(1 + λ(x - m)), which is
fair if the mean is m, so that capital reaches 1/alpha with probability alpha at most, at any time (Ville). Stakes on
both sides hedge; many stakes at once, evenly mixed, spare the guess of the variance (Waudby-Smith and Ramdas,
Estimating means of bounded random variables by betting, arXiv 2010.09686: hedged capital, diversified bets).

Capital against the mean that is asked for fails a sampler at 1/alpha. It passes once capital against "at least
target + effect" and against "at most target - effect" has reached 1/beta each.
"""

import math

import numpy as np

from labkit.laws import Decision
from labkit.mixture import log_mean
from labkit.plain import show
from labkit.wording import CERTAIN, runs

Array = np.ndarray

#: A stake that could lose everything is no stake; neither is one larger than this, where nothing can be lost.
MOST_LOST, MOST_STAKED = 0.95, 1e3
#: Stakes next to each other differ by about this factor: the best one is then missed by 30 % at most.
STAKE_STEP = 1.7
FIRST_BATCH = 256
#: A batch is at most this part of all draws before it.
GROWTH = 3


class MeanTest:
    """Feeds on values until it decides: at the draw that fails it, or after the batch that lets it pass.

    target, effect, low, high are in the unit of the values, low <= target <= high, effect > 0.
    """

    def __init__(self, target: float, low: float, high: float, effect: float, *, alpha: float, beta: float,
                 floor: int = FIRST_BATCH, cap: int = 200_000) -> None:  # fmt: skip
        if not low <= target <= high or not effect > 0:
            raise ValueError(f"a mean of {target} ± {effect} is not inside {low} … {high}")
        self.target, self.low, self.high, self.effect = target, low, high, effect
        self.alpha, self.beta, self.floor, self.cap = alpha, beta, floor, cap
        self.decision = Decision.CONTINUE
        self.n = 0
        self.log_e = 0.0
        self.invalid: float | None = None
        width = high - low
        mean, step = (target - low) / width, effect / width
        self._up, self._down = _Bets(mean, step, +1), _Bets(mean, step, -1)
        self._claims = [
            _Bets(claimed, step, side) for claimed, side in ((mean + step, -1), (mean - step, +1)) if 0 <= claimed <= 1
        ]
        self._gone = [False] * len(self._claims)
        self._sum = self._squares = 0.0

    def next_size(self) -> int:
        """How many values to draw next."""
        return min(max(FIRST_BATCH, self.n // GROWTH), self.cap - self.n)

    def update(self, values: Array) -> None:
        """Take values into account, float[m], up to the one that decides."""
        wrong = np.flatnonzero(~((values >= self.low) & (values <= self.high)))  # NaN is neither
        if wrong.size:
            self.invalid = float(values[wrong[0]])
            values = values[: wrong[0]]
        x = (values - self.low) / (self.high - self.low)
        path = log_mean(np.stack([self._up.path(x), self._down.path(x)], axis=-1))
        crossed = np.flatnonzero(path >= math.log(1 / self.alpha))
        if crossed.size:
            self.invalid = None
            used = int(crossed[0]) + 1
            values, x, path = values[:used], x[:used], path[:used]
        for bets in (self._up, self._down, *self._claims):
            bets.settle(x)
        self.n += len(values) + (self.invalid is not None)
        self._sum += float(values.sum())
        self._squares += float(np.sum((values - self.target) ** 2))
        if path.size:
            self.log_e = float(path[-1])
        if self.invalid is not None:
            self.log_e = math.inf
        self.decision = self._decide()

    def _decide(self) -> Decision:
        if self.log_e >= math.log(1 / self.alpha):
            return Decision.FAIL
        margin = math.log(1 / self.beta)
        self._gone = [gone or bets.log_capital() >= margin for gone, bets in zip(self._gone, self._claims, strict=True)]
        if self.n >= self.floor and all(self._gone):
            return Decision.PASS
        return Decision.INCONCLUSIVE if self.n >= self.cap else Decision.CONTINUE

    @property
    def mean(self) -> float:
        """The mean of the values so far; the target before the first."""
        return self._sum / self._valid if self._valid else self.target

    @property
    def _valid(self) -> int:
        return self.n - (self.invalid is not None)

    @property
    def sigmas(self) -> float | None:
        """How many of its standard errors the mean is off the target; None where the values do not scatter."""
        off = abs(self.mean - self.target)
        variance = self._squares / self._valid - off**2 if self._valid else 0.0
        return round(off / math.sqrt(variance / self._valid), 2) if variance > 1e-12 * off**2 else None

    @property
    def log10_e(self) -> float:
        """The evidence against the target, as a power of ten."""
        return min(self.log_e / math.log(10), CERTAIN)

    @property
    def limit_log10(self) -> float:
        """The evidence that fails, as a power of ten."""
        return math.log10(1 / self.alpha)

    @property
    def stakes(self) -> tuple[Array, Array]:
        """What the capital is staked on above and below, evenly, per unit of (value - low) / (high - low)."""
        return self._up.stakes, self._down.stakes

    @property
    def expected(self) -> str:
        """What a correct sampler gives, in words."""
        if self.invalid is not None:
            return f"numbers from {show(self.low)} to {show(self.high)}"
        return f"a mean of {self.target:.5g}"

    @property
    def sentence(self) -> str:
        """What came, in words."""
        if self.invalid is not None:
            return f"{show(self.invalid)}, as number {self.n:,}"
        sigmas = self.sigmas
        off = f", {sigmas:.1f} standard errors off" if sigmas is not None else ", and no scatter at all"
        return f"a mean of {self.mean:.5g} over {self.n:,} answers{off}"

    @property
    def needed(self) -> str:
        """What would have been needed to pass, in words."""
        if self.invalid is not None:
            return f"no answer outside {self.expected.removeprefix('numbers ')}"
        between = f"from {self.target - self.effect:.5g} to {self.target + self.effect:.5g}"
        return f"evidence below 10^{self.limit_log10:.1f} at every draw, until the mean is surely {between}"

    @property
    def detectable(self) -> str:
        """What passes hardly ever, in words."""
        return f"a mean off by {show(self.effect)} or more: it passes in {runs(self.beta)}"


class _Bets:
    """Even shares of a capital of 1 on several stakes, all on one side of `mean`: +1 above, -1 below."""

    def __init__(self, mean: float, step: float, side: int) -> None:
        at_stake = mean if side > 0 else 1 - mean  # the most that a value can be on the wrong side
        most = min(MOST_LOST / at_stake if at_stake > 0 else math.inf, MOST_STAKED)
        # the best stake on a difference is it over the variance, which is mean·(1 - mean) at most
        least = min(step / max(mean * (1 - mean), step), most)
        stakes = max(1, 1 + math.ceil(math.log(most / least) / math.log(STAKE_STEP)))
        self.stakes = side * np.geomspace(least, most, stakes)
        self._mean = mean
        self._logs = np.zeros(stakes)

    def path(self, x: Array) -> Array:
        """float[m]: the log of the capital after each of these values, which are not taken yet."""
        return log_mean(self._logs + np.cumsum(self._gains(x), axis=0))

    def settle(self, x: Array) -> None:
        """Take these values."""
        self._logs = self._logs + self._gains(x).sum(axis=0)

    def log_capital(self) -> float:
        """The log of the capital now."""
        return float(log_mean(self._logs))

    def _gains(self, x: Array) -> Array:
        return np.asarray(np.log1p(self.stakes * (x - self._mean)[:, None]))
