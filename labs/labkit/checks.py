"""What one check leaves in the report, passed or failed: plain data that says what was measured and how sure it is."""

from dataclasses import dataclass

from labkit.bars import Bars
from labkit.trace import Trace


@dataclass
class Check:
    """What one check measured. `observed` and `allowed` are in the unit that `statistic` names.

    kind: "law" (shares of random answers), "mean" (their average), "exact" (one right answer), "order".
    false_fail_rate: how often a correct implementation fails this check, at most. effect: the smallest error worth
    catching, in words; power: the least chance that an implementation with that error does not pass.
    seed: repeats the check. needed: what would have been needed to pass.
    """

    name: str
    kind: str
    statistic: str
    observed: float | None
    allowed: float | None
    n: int
    false_fail_rate: float
    effect: str
    power: float | None
    detectable: str
    seed: str
    sigmas: float | None = None
    conclusive: bool = True
    needed: str = ""
    bars: Bars | None = None
    trace: Trace | None = None
