"""What a test leaves in the report beside its outcome: measurements, a diagnosis, what the submission printed.

pytest-json-report writes `user_properties` as a list of one-key objects; [name, value] pairs are read as well. Every
text comes from a submission, or may, and is cleaned here; every number is finite or None.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from grader.domain.text import clean, clean_line

MESSAGE_CHARACTERS = 4_000
OUTPUT_CHARACTERS = 16_000
LINE_CHARACTERS = 300
CHECKS = 200
BARS = 13
LABEL_CHARACTERS = 80
TRACE_POINTS = 40
#: What a check is about: a law of outcomes, an average, an answer with one right value, an order of answers.
KINDS = ("law", "mean", "exact", "order")
_SEED = re.compile("[0-9]{1,40}", re.ASCII)


@dataclass(frozen=True)
class Bars:
    """Shares of outcomes, 0 … 1, for a picture: by the law and as drawn, in `n` draws of one `context`.

    low, high: what a correct implementation keeps within, but for the check's false-fail rate; both empty in reports
    that do not say. All other lists are equally long and not empty.
    """

    context: str
    labels: tuple[str, ...]
    expected: tuple[float, ...]
    observed: tuple[float, ...]
    n: int
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Trace:
    """Total variation distance between drawn and law, 0 … 1, after `n` draws, and where a correct sampler stays below.

    The three lists are equally long, two points at least; n increases.
    """

    n: tuple[int, ...]
    value: tuple[float, ...]
    band: tuple[float, ...]


@dataclass(frozen=True)
class Check:
    """What one check measured, None or empty where the report does not say. `n` counts draws or cases.

    `statistic` says what `observed` and `allowed` are; `false_fail_rate` and `power` are probabilities, of failing a
    correct submission and of catching `effect`. `seed` repeats it. A check of random answers has `sigmas` and `bars`,
    and `needed` only where it did not pass.
    """

    name: str
    observed: float | None = None
    allowed: float | None = None
    n: int | None = None
    false_fail_rate: float | None = None
    detectable: str = ""
    sigmas: float | None = None
    conclusive: bool | None = None
    bars: Bars | None = None
    kind: str = ""
    statistic: str = ""
    effect: str = ""
    power: float | None = None
    seed: str = ""
    needed: str = ""
    trace: Trace | None = None

    @property
    def random(self) -> bool:
        """Whether it judges random answers; reports without a kind tell by their sigmas."""
        return self.kind in ("law", "mean") if self.kind else self.sigmas is not None

    @property
    def evidence(self) -> bool:
        """Whether it measures odds against a correct implementation, as a power of ten."""
        return self.random and (not self.statistic or "log10" in self.statistic)

    @property
    def too_even(self) -> bool:
        """Whether it failed below its limit: for answers more even than random ones ever are."""
        below = self.observed is not None and self.allowed is not None and self.observed < self.allowed
        return self.random and below and self.conclusive is not False and bool(self.needed)


@dataclass(frozen=True)
class Diagnosis:
    """Why a test did not pass: a word to group by, the command that shows the hint, and the whole text."""

    cause: str
    hint: str
    message: str


@dataclass(frozen=True)
class Properties:
    """The `user_properties` of one test. `verdict` is whatever word the judge left, not yet judged.

    `used_s` is the wall time of the submission's code, None where the judge did not measure it. `share` is the part of
    its points that a test earns where it passes.
    """

    verdict: str = ""
    diagnosis: Diagnosis | None = None
    checks: tuple[Check, ...] = ()
    output: str = ""
    used_s: float | None = None
    share: float = 1.0


def read_properties(raw: object) -> Properties:
    """The properties in `raw`; whatever has another shape is left out. The first verdict and diagnosis count."""
    verdict = ""
    diagnosis: Diagnosis | None = None
    checks: list[Check] = []
    output: list[str] = []
    used_s: float | None = None
    share = 1.0
    for name, value in pairs(raw):
        if name == "verdict" and isinstance(value, str):
            verdict = verdict or value
        elif name == "diagnosis" and isinstance(value, dict):
            diagnosis = diagnosis or _diagnosis(value)
        elif name == "check" and isinstance(value, dict) and len(checks) < CHECKS:
            checks.append(_check(value))
        elif name == "output" and isinstance(value, str):
            output.append(value)
        elif name == "used_s":
            used_s = number(value)
        elif name == "share":
            share = min(share, part(value) or 0.0)
    return Properties(verdict, diagnosis, tuple(checks), clean("\n".join(output), OUTPUT_CHARACTERS), used_s, share)


def number(value: object) -> float | None:
    """`value` as a finite float; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        plain = float(value)
    except OverflowError:
        return None
    return plain if math.isfinite(plain) else None


def message(value: object) -> str:
    """`value` as text of a failure, cleaned and cut; empty for anything but text."""
    return clean(value, MESSAGE_CHARACTERS) if isinstance(value, str) else ""


def line(value: object) -> str:
    """`value` as one line of text, cleaned and cut; empty for anything but text."""
    return clean_line(value, LINE_CHARACTERS) if isinstance(value, str) else ""


def pairs(raw: object) -> Iterator[tuple[object, object]]:
    """Name and value of each property in `raw`."""
    for item in raw if isinstance(raw, list) else ():
        if isinstance(item, dict):
            yield from item.items()
        elif isinstance(item, list) and len(item) == 2:
            yield item[0], item[1]


def _diagnosis(value: dict[str, object]) -> Diagnosis:
    return Diagnosis(line(value.get("cause")), line(value.get("hint")), message(value.get("message")))


def _check(value: dict[str, object]) -> Check:
    conclusive, kind, seed = value.get("conclusive"), value.get("kind"), value.get("seed")
    return Check(
        name=line(value.get("name")),
        observed=number(value.get("observed")),
        allowed=number(value.get("allowed")),
        n=_count(value.get("n")),
        false_fail_rate=number(value.get("false_fail_rate")),
        detectable=line(value.get("detectable")),
        sigmas=number(value.get("sigmas")),
        conclusive=conclusive if isinstance(conclusive, bool) else None,
        bars=_bars(value.get("bars")),
        kind=kind if isinstance(kind, str) and kind in KINDS else "",
        statistic=line(value.get("statistic")),
        effect=line(value.get("effect")),
        power=part(value.get("power")),
        seed=seed if isinstance(seed, str) and _SEED.fullmatch(seed) else "",
        needed=line(value.get("needed")),
        trace=_trace(value.get("trace")),
    )


def _count(value: object) -> int | None:
    n = number(value)
    return int(n) if n is not None and 0 <= n < 2**53 else None


def _bars(value: object) -> Bars | None:
    """None unless every part is there and fits the others: half a picture would mislead."""
    if not isinstance(value, dict):
        return None
    labels, n = value.get("labels"), _count(value.get("n"))
    expected, observed, low, high = (_shares(value.get(name), BARS) for name in ("expected", "observed", "low", "high"))
    if not isinstance(labels, list) or n is None or not 1 <= len(labels) <= BARS:
        return None
    if not len(labels) == len(expected) == len(observed):
        return None
    if not len(labels) == len(low) == len(high) or any(a > b for a, b in zip(low, high, strict=True)):
        low = high = ()
    names = tuple(clean_line(label, LABEL_CHARACTERS) if isinstance(label, str) else "" for label in labels)
    return Bars(line(value.get("context")), names, expected, observed, n, low, high)


def _trace(value: object) -> Trace | None:
    """None unless it can be drawn as it stands."""
    if not isinstance(value, dict):
        return None
    raw = value.get("n")
    counts = [_count(item) for item in raw[: TRACE_POINTS + 1]] if isinstance(raw, list) else []
    n = tuple(item for item in counts if item is not None)
    distances, band = _shares(value.get("value"), TRACE_POINTS), _shares(value.get("band"), TRACE_POINTS)
    if not 2 <= len(n) <= TRACE_POINTS or not len(counts) == len(n) == len(distances) == len(band):
        return None
    rising = n[0] >= 1 and all(a < b for a, b in pairwise(n))
    return Trace(n, distances, band) if rising else None


def _shares(value: object, most: int) -> tuple[float, ...]:
    """Of the first `most` and one more; empty where anything in it is no share."""
    numbers = [part(item) for item in value[: most + 1]] if isinstance(value, list) else []
    shares = tuple(item for item in numbers if item is not None)
    return shares if len(shares) == len(numbers) else ()


def part(value: object) -> float | None:
    """`value` as a number from 0 to 1; None for anything else."""
    share = number(value)
    return share if share is not None and 0 <= share <= 1 else None
