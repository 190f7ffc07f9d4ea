"""Checks that leave a measurement behind and explain themselves when they fail.

    expect.call("verify", [3, 1], [3, 2, 4]).equals([3, 2])
    expect.call("residual", p, q).close(wanted)
    expect.error(ValueError, "propose", [1, 2], -1, 3)
    expect.law("law of speculative_step", law, draw)

Each call is made on copies; each check adds to a measurement that the report keeps, passed or failed.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from labkit.bars import Bars, worst_bars
from labkit.contract import Implementation
from labkit.faults import CheckFailed, StudentRaised, Undecided
from labkit.laws import NAMING_DRAWS, Decision, Design, SequentialTest
from labkit.manifest import Manifest
from labkit.mutation import Matcher, Mutant
from labkit.plain import same, show

#: Room for float32 arithmetic in an answer of order one; every known mistake is at least a hundred times larger.
FLOAT_TOLERANCE = 1e-5
REMEMBERED_CALLS = 60


@dataclass
class Check:
    """What one check measured. `observed` and `allowed` are in the check's own unit, named in `detectable`.

    A law check measures evidence against the law, as a power of ten, and keeps `bars` for its picture.
    """

    name: str
    observed: float | None
    allowed: float | None
    n: int
    false_fail_rate: float
    detectable: str
    sigmas: float | None = None
    conclusive: bool = True
    bars: Bars | None = None


class Expect:
    """The checks of one test. `record` is called once for each new check; later additions change that same dict."""

    def __init__(
        self,
        impl: Implementation,
        manifest: Manifest,
        matcher: Matcher,
        record: Callable[[dict[str, Any]], None],
    ) -> None:
        self._impl = impl
        self._manifest = manifest
        self._matcher = matcher
        self._record = record
        self._checks: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, list[tuple[tuple[Any, ...], Any]]] = {}

    def call(self, function: str, *args: Any) -> "Answer":
        """Call the implementation once. Raises StudentFault where there is no answer to check."""
        return self._answers(function, [args], getattr(self._impl, function))[0]

    def calls(self, function: str, calls: Sequence[tuple[Any, ...]]) -> list["Answer"]:
        """Call it many times in one message: use this for more than a few dozen calls."""
        fresh = copy.deepcopy(list(calls))
        values = self._impl.batch(function, list(calls))
        return [Answer(self, function, a, v) for a, v in zip(fresh, values, strict=True)]

    def _answers(self, function: str, calls: list[tuple[Any, ...]], run: Callable[..., Any]) -> list["Answer"]:
        fresh = copy.deepcopy(calls)
        return [Answer(self, function, f, run(*args)) for f, args in zip(fresh, calls, strict=True)]

    def error(self, kind: type[Exception], function: str, *args: Any, because: str = "") -> None:
        """The call must raise `kind`. `because` says what is impossible about the arguments."""
        given = self._given(function, args)
        self.measure(f"{function} refuses impossible arguments", 0.0, 0.0, detectable="any accepted argument")
        expected = f"{kind.__name__}{f', because {because}' if because else ''}"
        try:
            value = getattr(self._impl, function)(*args)
        except StudentRaised as fault:
            if isinstance(fault, kind):
                return
            if fault.cause == "not-written":
                raise
            self._wrong(function, given, expected, fault.sentence, cause="wrong-exception")
        else:
            self._wrong(function, given, expected, f"returned {show(value)}", cause="no-error-raised")

    def that(self, holds: bool, *, function: str, given: str, expected: str, yours: str, looks_like: str = "",
             advice: str = "", name: str = "") -> None:  # fmt: skip
        """A property of several answers must hold; the texts tell it when it does not."""
        self.measure(name or f"{function} property", 0.0 if holds else 1.0, 0.0, detectable="any violation")
        if not holds:
            raise CheckFailed(
                yours, given=given, expected=expected, function=function, looks_like=looks_like, advice=advice
            )

    def law(self, name: str, function: str, design: Design, draw: Callable[[np.ndarray], np.ndarray],
            rng: np.random.Generator) -> None:  # fmt: skip
        """The implementation's answers must follow `design.null`; sequential, at the lab's false-fail budget.

        `draw(contexts)` returns one outcome index per context index, -1 for an answer outside the outcomes.
        """
        test = SequentialTest(design, alpha=self._manifest.alpha)
        while test.decision is Decision.CONTINUE:
            contexts = test.next_contexts(rng)
            test.update(contexts, self._drawn(name, function, draw, contexts))
        if test.decision is Decision.FAIL:
            contexts = design.sample_contexts(rng, NAMING_DRAWS)
            test.look_on(contexts, self._drawn(name, function, draw, contexts))
        evidence = test.evidence()
        check = Check(name, evidence.log10_e, evidence.limit_log10, test.n, self._manifest.alpha,
                      evidence.detectable, evidence.sigmas, test.decision is not Decision.INCONCLUSIVE,
                      worst_bars(test))  # fmt: skip
        self._record(asdict(check))
        if test.decision is Decision.PASS:
            return
        kind = Undecided if test.decision is Decision.INCONCLUSIVE else CheckFailed
        known = [m for m in map(self._matcher.named, evidence.likely) if m is not None]
        raise kind(
            evidence.sentence,
            given=evidence.given,
            expected=evidence.expected,
            function=function,
            looks_like="; or: ".join(m.says for m in known) or "; or: ".join(evidence.likely) or "no known pattern",
            advice=known[0].fix if known else "",
            cause=known[0].id if known else "",
        )

    def _drawn(
        self, name: str, function: str, draw: Callable[[np.ndarray], np.ndarray], contexts: np.ndarray
    ) -> np.ndarray:
        outcomes = np.asarray(draw(contexts))
        if outcomes.shape != contexts.shape:
            wanted, came = f"{len(contexts)} values", f"an answer of shape {outcomes.shape}"
            raise CheckFailed(came, given=name, expected=wanted, function=function)
        return outcomes

    def measure(self, name: str, observed: float, allowed: float, *, detectable: str) -> None:
        """Add one case to an exact check: the largest observed value counts, a correct answer never fails it."""
        check = self._checks.get(name)
        if check is None:
            check = self._checks[name] = asdict(Check(name, observed, allowed, 0, 0.0, detectable))
            self._record(check)
        check["n"] += 1
        if observed > check["observed"]:
            check["observed"] = observed

    def _given(self, function: str, args: Sequence[Any]) -> str:
        text = self._manifest.functions[function].text
        names = [p.split("=")[0].strip() for p in text[1 : text.index(")")].split(",")]
        return f"{function}({', '.join(f'{n}={show(a)}' for n, a in zip(names, args, strict=False))})"

    def _remember(self, function: str, args: tuple[Any, ...], value: Any) -> None:
        seen = self._seen.setdefault(function, [])
        if len(seen) < REMEMBERED_CALLS:
            seen.append((args, value))

    def known_mistake(self, answer: "Answer", wanted: Any) -> Mutant | None:
        """The first known mistake that gives this very answer here and agrees with every answer before it."""
        if any(isinstance(a, np.random.Generator) for a in answer.args):
            return None
        now = [(answer.args, answer.value)]
        fitting = self._matcher.match(answer.function, copy.deepcopy(now))
        if len(fitting) > 1:
            everything = self._matcher.match(answer.function, copy.deepcopy(self._seen.get(answer.function, []) + now))
            fitting = everything or fitting
        return None if same(answer.value, wanted) else next(iter(fitting), None)

    def _wrong(self, function: str, given: str, expected: str, yours: str, *, known: Mutant | None = None,
               advice: str = "", cause: str = "") -> None:  # fmt: skip
        raise CheckFailed(
            yours, given=given, expected=expected, function=function, looks_like=known.says if known else "",
            advice=(known.fix if known else "") or advice, cause=known.id if known else cause,
        )  # fmt: skip


class Answer:
    """One answer of the implementation, ready to be checked. `value` is plain and of the declared type."""

    def __init__(self, expect: Expect, function: str, args: tuple[Any, ...], value: Any) -> None:
        self._expect = expect
        self.function = function
        self.args = args
        self.value = value

    def equals(self, wanted: Any, *, advice: str = "") -> None:
        """The answer must be exactly `wanted` (plain data: ints, strings, lists of them)."""
        ok = same(self.value, wanted, rel=0.0)
        self._expect.measure(f"{self.function} is exact", float(not ok), 0.0, detectable="any difference in one case")
        if not ok:
            self._fail(wanted, advice)
        self._expect._remember(self.function, self.args, self.value)

    def close(self, wanted: Any, *, tolerance: float = FLOAT_TOLERANCE, advice: str = "") -> None:
        """The answer must be within `tolerance`, relative to values above one and absolute below; NaN never is."""
        x, y = np.asarray(self.value, dtype=float), np.asarray(wanted, dtype=float)
        error = float("inf")
        if x.shape == y.shape:
            gap = np.abs(x - y) / np.maximum(1.0, np.abs(y))
            gap = np.where(x == y, 0.0, gap)  # equal infinities
            error = float(np.max(gap, initial=0.0)) if np.all(gap == gap) else float("inf")
        ok = error <= tolerance
        self._expect.measure(
            f"{self.function} error", min(error, 1e300), tolerance,
            detectable=f"an error above {tolerance:g} in one case",
        )  # fmt: skip
        if not ok:
            self._fail(wanted, advice)
        self._expect._remember(self.function, self.args, self.value)

    def holds(
        self,
        ok: bool,
        *,
        expected: str,
        yours: str = "",
        looks_like: str = "",
        advice: str = "",
        name: str = "",
    ) -> None:
        """A property of this one answer must hold."""
        self._expect.that(
            bool(ok), function=self.function, given=self.given, expected=expected, yours=yours or show(self.value),
            looks_like=looks_like, advice=advice, name=name,
        )  # fmt: skip

    @property
    def given(self) -> str:
        """The call as a student would write it."""
        return self._expect._given(self.function, self.args)

    def _fail(self, wanted: Any, advice: str) -> None:
        known = self._expect.known_mistake(self, wanted)
        yours = show(self.value) + _difference(self.value, wanted)
        self._expect._wrong(self.function, self.given, show(wanted), yours, known=known, advice=advice)


def _difference(value: Any, wanted: Any) -> str:
    """Where two sequences part, in words; empty for anything else."""
    if isinstance(value, tuple) and isinstance(wanted, tuple) and len(value) == len(wanted):
        parts = [f"item {i}" for i, (a, b) in enumerate(zip(value, wanted, strict=True)) if not same(a, b)]
        return f"   {' and '.join(parts)} differ{'s' if len(parts) == 1 else ''}" if parts else ""
    if not isinstance(value, (list, np.ndarray)) or not isinstance(wanted, (list, np.ndarray)):
        return ""
    if len(value) != len(wanted) and all(same(a, b) for a, b in zip(value, wanted, strict=False)):
        return f"   {len(value)} items instead of {len(wanted)}"
    first = next((i for i, (a, b) in enumerate(zip(value, wanted, strict=False)) if not same(a, b, 1e-6)), None)
    return "" if first is None else f"   first difference at position {first}"
