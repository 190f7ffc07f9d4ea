"""What can be predicted before it is measured, and what that earns: a number, a choice, a place on a curve."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from labkit.tables import Table

#: Of an interval's hi / lo: up to each, what a prediction inside is worth.
WIDTHS = ((1.25, 1.0), (1.5, 0.75), (math.inf, 0.4))
#: So near to the edge, a prediction outside is worth half.
NEAR = 0.10
#: Two choices whose scores differ by less are both the best; a curve as near to 1 may be on either side of it.
TIE = 0.03
#: What a quantity can earn at most whose numbers were revised.
REVISED = 0.8
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Prediction:
    """One quantity's. `value` is None where the interval is all there is to say."""

    value: float | None
    lo: float
    hi: float
    reason: str = field(compare=False)


@dataclass(frozen=True)
class Outcome:
    """A prediction against what was measured. `held`: it was right; `said`: what was measured, in words."""

    share: float
    held: bool
    measured: float
    said: str


def earned(outcome: Outcome, *, revised: bool, explained: bool) -> float:
    """The share of a quantity's points: what did not hold earns half of the loss back where it is explained."""
    most = REVISED if revised else 1.0
    share = most * outcome.share
    return share if outcome.held or not explained else share + (most - share) / 2


class Quantity(Protocol):
    """Something to predict. `unit` and `about` name it in pictures and in words."""

    @property
    def name(self) -> str:
        """Its table in the file."""
        ...

    def read(self, table: Table) -> Prediction | None:
        """The prediction in its table; None where it makes no sense, which the table has then been told."""
        ...


@dataclass(frozen=True)
class Interval:
    """A number between `least` and `most`, predicted with an interval around it."""

    name: str
    unit: str
    about: str
    least: float
    most: float

    def read(self, table: Table) -> Prediction | None:
        """See Quantity."""
        value, lo, hi = (table.number(key, self.least, self.most) for key in ("value", "lo", "hi"))
        reason = table.reason()
        if value is None or lo is None or hi is None or reason is None:
            return None
        if not lo <= value <= hi:
            table.wrong(f"lo, value and hi must rise: {lo:g}, {value:g}, {hi:g} do not")
            return None
        return Prediction(value, lo, hi, reason)

    def judge(self, predicted: Prediction, measured: float) -> Outcome:
        """A narrow interval earns more than a wide one; just outside earns half."""
        said = f"{measured:.3g}"
        if predicted.lo <= measured <= predicted.hi:
            width = predicted.hi / predicted.lo - _ROUNDING
            return Outcome(next(share for most, share in WIDTHS if width <= most), True, measured, said)
        edge = predicted.hi if measured > predicted.hi else predicted.lo
        near = abs(measured / edge - 1) <= NEAR + _ROUNDING
        return Outcome(0.5 if near else 0.0, False, measured, said)


@dataclass(frozen=True)
class Choice:
    """Which of a few has the highest score."""

    name: str
    unit: str
    about: str
    of: tuple[int, ...]

    def read(self, table: Table) -> Prediction | None:
        """See Quantity."""
        value, reason = table.among("value", self.of), table.reason()
        return None if value is None or reason is None else Prediction(value, value, value, reason)

    def judge(self, predicted: Prediction, scores: Mapping[int, float]) -> Outcome:
        """`scores` by choice: one as good as the best is right, one nearly as good is worth half."""
        top = max(self.of, key=lambda one: scores[one])
        tied = [one for one in self.of if scores[one] >= (1 - TIE) * scores[top]]
        said = " and ".join(f"{one}" for one in tied) + (", alike" if len(tied) > 1 else "")
        held = predicted.lo in tied
        near = scores[int(predicted.lo)] >= (1 - NEAR - _ROUNDING) * scores[top]
        return Outcome(1.0 if held else 0.5 if near else 0.0, held, float(top), said)


@dataclass(frozen=True)
class Bracket:
    """Between which neighbours of `of` a curve first falls to 1; from 0 if it never is above, to inf if always."""

    name: str
    unit: str
    about: str
    of: tuple[int, ...]

    @property
    def edges(self) -> tuple[float, ...]:
        """The numbers a bracket may begin or end with."""
        return (0.0, *map(float, self.of), math.inf)

    def read(self, table: Table) -> Prediction | None:
        """See Quantity."""
        lo, hi = (table.among(key, self.edges) for key in ("lo", "hi"))
        reason = table.reason()
        if lo is None or hi is None or reason is None:
            return None
        if (lo, hi) not in pairwise(self.edges):
            pairs = ", ".join(f"{low:g} and {high:g}" for low, high in pairwise(self.edges))
            table.wrong(f"lo and hi must be neighbours: {pairs}")
            return None
        return Prediction(None, lo, hi, reason)

    def judge(self, predicted: Prediction, curve: Mapping[int, float]) -> Outcome:
        """`curve` by number. A neighbouring bracket is as right where 1 is met at their border, nearly there half."""
        lo, hi = self.measured(curve)
        exact = (predicted.lo, predicted.hi) == (lo, hi)
        between = {predicted.lo, predicted.hi} & {lo, hi} & set(map(float, self.of))
        off = 0.0 if exact else min((abs(curve[int(edge)] - 1) for edge in between), default=math.inf)
        share = 1.0 if off <= TIE else 0.5 if off <= NEAR + _ROUNDING else 0.0
        return Outcome(share, off <= TIE, self._crossing(curve, lo, hi), _lost(lo, hi))

    def measured(self, curve: Mapping[int, float]) -> tuple[float, float]:
        """The bracket of a curve."""
        lo = 0.0
        for number in self.of:
            if curve[number] <= 1:
                return lo, float(number)
            lo = float(number)
        return lo, math.inf

    def _crossing(self, curve: Mapping[int, float], lo: float, hi: float) -> float:
        """Where the curve is 1, on a straight line over the logarithm; the outermost number where it is not."""
        if lo == 0 or hi == math.inf:
            return hi if lo == 0 else lo
        above, below = curve[int(lo)], curve[int(hi)]
        return float(lo * (hi / lo) ** ((above - 1) / (above - below)))


def _lost(lo: float, hi: float) -> str:
    if lo == 0:
        return f"lost at {hi:g} already"
    return f"not lost by {lo:g}" if hi == math.inf else f"lost between {lo:g} and {hi:g}"
