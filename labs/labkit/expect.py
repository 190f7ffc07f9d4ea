"""Checks that leave a measurement behind and explain themselves when they fail.

    expect.call("verify", [3, 1], [3, 2, 4]).equals([3, 2])
    expect.call("residual", p, q).close(wanted)
    expect.call("optimal_k", 0.8, 0.1, 32).best(speedups, of="speed-up")
    expect.error(ValueError, "propose", [1, 2], -1, 3)
    expect.ordered(expect.calls("speedup", calls), by="alpha")
    expect.law("law of speculative_step", "speculative_step", design, draw, rng)
    expect.mean("tokens of a cycle", "simulate", 2.8, 1, 6, 0.03, draw, rng)

Each call is made on copies; each check adds to a measurement that the report keeps, passed or failed. Checks of random
answers share the lab's budget of false fails, and of false passes (labkit.manifest).
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import numpy as np

from labkit.answers import FLOAT_TOLERANCE as FLOAT_TOLERANCE
from labkit.answers import Answer
from labkit.checks import Check as Check
from labkit.contract import Implementation
from labkit.faults import CheckFailed, StudentRaised
from labkit.laws import Design
from labkit.manifest import Manifest
from labkit.means import MeanTest
from labkit.mutation import Matcher, Mutant
from labkit.plain import same, show
from labkit.samplers import Asked, Draw, DrawMany, judge_law, judge_mean

REMEMBERED_CALLS = 60
#: Room for float32 arithmetic where two answers may be equal.
ROUNDING = 1e-6
#: Draws of a share or a mean after which it stays undecided.
MOST_DRAWS = 200_000


class Expect:
    """The checks of one test. `record` is called once for each new check; later additions change that same dict."""

    def __init__(
        self,
        impl: Implementation,
        manifest: Manifest,
        matcher: Matcher,
        record: Callable[[dict[str, Any]], None],
        seed: int = 0,
    ) -> None:
        self._impl = impl
        self._manifest = manifest
        self._matcher = matcher
        self._record = record
        self._seed = seed
        self._checks: dict[str, dict[str, Any]] = {}
        self._right: dict[str, list[tuple[tuple[Any, ...], Any]]] = {}

    def call(self, function: str, *args: Any) -> Answer:
        """Call the implementation once. Raises StudentFault where there is no answer to check."""
        fresh = copy.deepcopy(args)
        return Answer(self, function, fresh, getattr(self._impl, function)(*args))

    def calls(self, function: str, calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """Call it many times in one message: use this for more than a few calls."""
        fresh = copy.deepcopy(list(calls))
        values = self._impl.batch(function, list(calls))
        return [Answer(self, function, a, v) for a, v in zip(fresh, values, strict=True)]

    def error(self, kind: type[Exception], function: str, *args: Any, because: str = "") -> None:
        """The call must raise `kind`. `because` says what is impossible about the arguments."""
        given = self.given(function, args)
        expected = f"{kind.__name__}{f', because {because}' if because else ''}"
        name = f"{function} refuses impossible arguments"
        try:
            value = getattr(self._impl, function)(*args)
        except StudentRaised as fault:
            if fault.cause == "not-written":
                raise
            yours, cause = ("", "") if isinstance(fault, kind) else (fault.sentence, "wrong-exception")
        else:
            yours, cause = f"returned {show(value)}", "no-error-raised"
        check = self.measure(
            name, float(bool(cause)), 0.0, statistic="impossible arguments accepted",
            detectable="any accepted argument", needed=expected,
        )  # fmt: skip
        if cause:
            raise CheckFailed(yours, given=given, expected=expected, function=function, cause=cause, check=check)

    def that(self, holds: bool, *, given: str, expected: str, yours: str, function: str = "", looks_like: str = "",
             advice: str = "", name: str = "", cause: str = "") -> None:  # fmt: skip
        """A property of several answers, or of none, must hold; the texts tell it when it does not, `cause` groups it.

        One that is of no function needs a `name`.
        """
        check = self.measure(
            name or f"{function} property", 0.0 if holds else 1.0, 0.0, statistic="violations",
            detectable="any violation", needed=expected,
        )  # fmt: skip
        if not holds:
            raise CheckFailed(
                yours, given=given, expected=expected, function=function, looks_like=looks_like, advice=advice,
                cause=cause, check=check,
            )  # fmt: skip

    def ordered(
        self, answers: Sequence[Answer], *, by: str, rising: bool = True, strict: bool = True, advice: str = ""
    ) -> None:  # fmt: skip
        """Numbers that must rise, or fall, from each to the next; `by` is what grows between the calls.

        Not strict: equal is allowed, and so is a rounding error of float32.
        """
        word = f"{'rises' if rising else 'falls'}{'' if strict else ' or stays'}"
        for one, other in pairwise(answers):
            step = (other.value - one.value) * (1 if rising else -1)
            ok = step > 0 if strict else step >= -ROUNDING * max(1.0, abs(one.value))  # NaN is neither
            check = self.measure(
                f"{one.function} {word} with {by}", float(not ok), 0.0, kind="order", statistic="steps the wrong way",
                detectable="one step the wrong way", needed=f"an answer that {word} with {by}, from each to the next",
            )  # fmt: skip
            if not ok:
                raise CheckFailed(
                    f"{show(one.value)}, then {show(other.value)}", given=f"{one.given}, then {other.given}",
                    expected=f"an answer that {word} with {by}", function=one.function, advice=advice, check=check,
                )  # fmt: skip

    def budgeted(self, design: Design) -> Design:
        """The design with the lab's budget of false passes."""
        return replace(design, beta=self._manifest.beta)

    def law(self, name: str, function: str, design: Design, draw: Draw, rng: np.random.Generator) -> None:
        """The implementation's answers must follow `design.null`; sequential, at the lab's budget.

        `draw(contexts)` returns one outcome index per context index, -1 for an answer outside the outcomes.
        """
        asked = self._asked(name, function)
        self._settle(judge_law(asked, self.budgeted(design), self._manifest.alpha, draw, rng))

    def rate(
        self, name: str, function: str, target: float, effect: float, draw: DrawMany, rng: np.random.Generator
    ) -> None:  # fmt: skip
        """The share of ones among independent answers, each 1 or 0, must be `target`; anything else fails.

        Off by `effect` or more, it passes at the lab's false-pass budget. `draw(n, rng)` gives n answers.
        """
        design = Design(np.array([[1 - target, target]]), [name], ["no", "yes"], floor=0, cap=MOST_DRAWS, effect=effect)

        def draw_outcomes(contexts: np.ndarray) -> np.ndarray:
            answers = np.asarray(draw(len(contexts), rng))
            return np.where(answers == 1, 1, np.where(answers == 0, 0, -1))

        self.law(name, function, design, draw_outcomes, rng)

    def mean(
        self, name: str, function: str, target: float, low: float, high: float, effect: float, draw: DrawMany,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """The mean of independent answers from `low` to `high` must be `target`; anything outside fails.

        Off by `effect` or more, it passes at the lab's false-pass budget. `draw(n, rng)` gives n answers.
        """
        test = MeanTest(target, low, high, effect, alpha=self._manifest.alpha, beta=self._manifest.beta, cap=MOST_DRAWS)
        self._settle(judge_mean(self._asked(name, function), test, draw, rng))

    def _asked(self, name: str, function: str) -> Asked:
        return Asked(name, function, self._seed, self._matcher.named)

    def _settle(self, judged: tuple[Check, CheckFailed | None]) -> None:
        check, fault = judged
        kept = asdict(check)
        self._record(kept)
        if fault is not None:
            fault.check = kept
            raise fault

    def measure(
        self, name: str, observed: float, allowed: float, *, kind: str = "exact", statistic: str = "largest error",
        detectable: str, needed: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Add one case to an exact check; what the report keeps of it.

        The largest observed value counts; a correct answer never fails it. `needed` is kept of a case that failed.
        """
        check = self._checks.get(name)
        if check is None:
            seed = str(self._seed)
            made = Check(name, kind, statistic, observed, allowed, 0, 0.0, detectable, None, detectable, seed)
            check = self._checks[name] = asdict(made)
            self._record(check)
        check["n"] += 1
        check["observed"] = max(observed, check["observed"])
        if observed > allowed:
            check["needed"] = needed
        return check

    def given(self, function: str, args: Sequence[Any]) -> str:
        """The call as a student would write it."""
        text = self._manifest.functions[function].text
        names = [p.split("=")[0].strip() for p in text[1 : text.index(")")].split(",")]
        return f"{function}({', '.join(f'{n}={show(a)}' for n, a in zip(names, args, strict=False))})"

    def remember(self, function: str, args: tuple[Any, ...], value: Any) -> None:
        """Keep a right answer, to tell known mistakes apart by."""
        right = self._right.setdefault(function, [])
        if len(right) < REMEMBERED_CALLS:
            right.append((args, value))

    def known_mistake(self, answer: Answer, wanted: Any) -> Mutant | None:
        """The first known mistake that gives this very answer here and agrees with every answer before it."""
        if any(isinstance(a, np.random.Generator) for a in answer.args):
            return None
        now = [(answer.args, answer.value)]
        fitting = self._matcher.match(answer.function, copy.deepcopy(now))
        if len(fitting) > 1:
            right = self._right.get(answer.function, [])
            fitting = self._matcher.match(answer.function, copy.deepcopy(right + now)) or fitting
        return None if same(answer.value, wanted) else next(iter(fitting), None)
