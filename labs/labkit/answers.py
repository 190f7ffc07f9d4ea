"""One answer of an implementation, held against the right one."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from labkit.faults import CheckFailed
from labkit.mutation import Mutant
from labkit.plain import same, show

#: Room for float32 arithmetic in an answer of order one; every known mistake is at least a hundred times larger.
FLOAT_TOLERANCE = 1e-5


class Keeper(Protocol):
    """What an answer needs of the checks it is one of (labkit.expect.Expect)."""

    def measure(
        self, name: str, observed: float, allowed: float, *, kind: str = "exact", statistic: str = "largest error",
        detectable: str, needed: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Add one case to a check; what the report keeps of it."""
        ...

    def given(self, function: str, args: Sequence[Any]) -> str:
        """A call as a student would write it."""
        ...

    def remember(self, function: str, args: tuple[Any, ...], value: Any) -> None:
        """Keep a right answer, to tell known mistakes apart by."""
        ...

    def known_mistake(self, answer: "Answer", wanted: Any) -> Mutant | None:
        """The known mistake that gives this very answer."""
        ...


class Answer:
    """One answer of the implementation, ready to be checked. `value` is plain and of the declared type."""

    def __init__(self, keeper: Keeper, function: str, args: tuple[Any, ...], value: Any) -> None:
        self._keeper = keeper
        self.function = function
        self.args = args
        self.value = value

    def equals(self, wanted: Any, *, advice: str = "") -> None:
        """The answer must be exactly `wanted` (plain data: ints, strings, lists of them)."""
        ok = same(self.value, wanted, rel=0.0)
        check = self._keeper.measure(
            f"{self.function} is exact", float(not ok), 0.0, statistic="wrong answers",
            detectable="any difference in one case", needed="exactly the expected answer",
        )  # fmt: skip
        if not ok:
            self._fail(wanted, advice, check)
        self._keeper.remember(self.function, self.args, self.value)

    def close(self, wanted: Any, *, tolerance: float = FLOAT_TOLERANCE, advice: str = "") -> None:
        """The answer must be within `tolerance`, relative to values above one and absolute below; NaN never is.

        A dict must have the wanted one's keys and, under each, numbers that are as close.
        """
        error = _error(self.value, wanted)
        check = self._keeper.measure(
            f"{self.function} error", min(error, 1e300), tolerance,
            detectable=f"an error above {tolerance:g} in one case", needed=f"an error of {tolerance:g} or less",
        )  # fmt: skip
        if not error <= tolerance:
            self._fail(wanted, advice, check, tolerance)
        self._keeper.remember(self.function, self.args, self.value)

    def best(self, scores: Sequence[float], *, of: str, advice: str = "", tolerance: float = FLOAT_TOLERANCE) -> None:
        """The answer must be a place in `scores` where the score is largest, the first of equal ones.

        Another place is a near-tie if its score is within `tolerance` of the largest, relative to it, but not equal:
        float arithmetic cannot tell the two apart, so it passes and is counted as such. `of` names the score.
        """
        top = max(scores)
        wanted = list(scores).index(top)
        inside = 0 <= self.value < len(scores)
        short = (top - scores[self.value]) / max(abs(top), 1e-300) if inside else math.inf
        near = self.value != wanted and 0 < short <= tolerance
        name = f"{self.function} is the best"
        check = self._keeper.measure(
            name, 0.0 if self.value == wanted or near else min(short, 1e300) or 1.0, tolerance,
            statistic=f"what is lost of the best {of}, relative", needed=f"the best {of}, within {tolerance:g}",
            detectable=f"a choice that loses more than {tolerance:g} of the best {of}, or a later one of equals",
        )  # fmt: skip
        if near:
            self._keeper.measure(
                f"{self.function}: near-ties accepted", short, tolerance, statistic="what a near-tie loses, relative",
                detectable="nothing: it counts choices that float arithmetic cannot tell from the best",
            )  # fmt: skip
        elif self.value != wanted:
            yours = f"{show(self.value)}, with {show(float(scores[self.value]))}" if inside else self._outside(scores)
            known = self._keeper.known_mistake(self, wanted)
            raise CheckFailed(
                yours + (", as good: but the first of equals is asked for" if short == 0 else ""), given=self.given,
                expected=f"{wanted}, with a {of} of {show(float(top))}", function=self.function,
                looks_like=known.says if known else "", advice=(known.fix if known else "") or advice,
                cause=known.id if known else "", check=check,
            )  # fmt: skip

    def _outside(self, scores: Sequence[float]) -> str:
        return f"{show(self.value)}, out of 0 … {len(scores) - 1}"

    def holds(
        self, ok: bool, *, expected: str, yours: str = "", looks_like: str = "", advice: str = "", name: str = ""
    ) -> None:  # fmt: skip
        """A property of this one answer must hold."""
        check = self._keeper.measure(
            name or f"{self.function} property", 0.0 if ok else 1.0, 0.0, statistic="violations",
            detectable="any violation", needed=expected,
        )  # fmt: skip
        if not ok:
            raise CheckFailed(
                yours or show(self.value), given=self.given, expected=expected, function=self.function,
                looks_like=looks_like, advice=advice, check=check,
            )  # fmt: skip

    @property
    def given(self) -> str:
        """The call as a student would write it."""
        return self._keeper.given(self.function, self.args)

    def _fail(self, wanted: Any, advice: str, check: dict[str, Any], tolerance: float = 0.0) -> None:
        known = self._keeper.known_mistake(self, wanted)
        raise CheckFailed(
            show(self.value) + _difference(self.value, wanted, tolerance), given=self.given, expected=show(wanted),
            function=self.function, looks_like=known.says if known else "",
            advice=(known.fix if known else "") or advice, cause=known.id if known else "", check=check,
        )  # fmt: skip


def _error(value: Any, wanted: Any) -> float:
    """The largest distance, relative above one and absolute below; inf where shapes differ or one is no number."""
    if isinstance(wanted, dict):
        if not isinstance(value, dict) or value.keys() != wanted.keys():
            return math.inf
        return max((_error(value[key], part) for key, part in wanted.items()), default=0.0)
    try:
        x, y = np.asarray(value), np.asarray(wanted, dtype=float)
    except ValueError:  # rows of different lengths
        return math.inf
    if x.shape != y.shape or x.dtype.kind not in "iuf":
        return math.inf
    gap = np.abs(x - y) / np.maximum(1.0, np.abs(y))
    gap = np.where(x == y, 0.0, gap)  # equal infinities
    return float(np.max(gap, initial=0.0)) if np.all(gap == gap) else math.inf


def _difference(value: Any, wanted: Any, tolerance: float) -> str:
    """Where two answers part by more than the tolerance, in words; empty where there is no telling."""
    if isinstance(value, dict) and isinstance(wanted, dict):
        return _key_difference(value, wanted, tolerance)
    if isinstance(value, tuple) and isinstance(wanted, tuple) and len(value) == len(wanted):
        pairs = enumerate(zip(value, wanted, strict=True))
        return _differ([f"item {i}" for i, (a, b) in pairs if _apart(a, b, tolerance)])
    if not isinstance(value, (list, np.ndarray)) or not isinstance(wanted, (list, np.ndarray)):
        return ""
    pairs = enumerate(zip(value, wanted, strict=False))
    first = next((i for i, (a, b) in pairs if _apart(a, b, tolerance)), None)
    if first is not None:
        return f"   first difference at position {first}"
    return "" if len(value) == len(wanted) else f"   {len(value)} items instead of {len(wanted)}"


def _key_difference(value: dict[Any, Any], wanted: dict[Any, Any], tolerance: float) -> str:
    missing = [str(key) for key in wanted if key not in value]
    if missing:
        return f"   without {', '.join(missing)}"
    extra = [show(key, 40) for key in value if key not in wanted]
    if extra:
        return f"   nobody asked for {', '.join(extra[:3])}"
    wrong = [key for key, part in wanted.items() if _apart(value[key], part, tolerance)]
    told = "; ".join(f"{key} is {show(value[key], 40)}, not {show(wanted[key], 40)}" for key in wrong[:2])
    return f"   {told}" if told else ""


def _differ(names: list[str]) -> str:
    return f"   {' and '.join(names)} differ{'s' if len(names) == 1 else ''}" if names else ""


def _apart(a: Any, b: Any, tolerance: float) -> bool:
    return not same(a, b) and not _error(a, b) <= tolerance
