"""What a test leaves in the report beside its outcome: measurements, a diagnosis, what the submission printed.

pytest-json-report writes `user_properties` as a list of one-key objects; [name, value] pairs are read as well. Every
text comes from a submission, or may, and is cleaned here; every number is finite or None.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from grader.domain.text import clean, clean_line

MESSAGE_CHARACTERS = 4_000
OUTPUT_CHARACTERS = 16_000
LINE_CHARACTERS = 300
CHECKS = 200
BARS = 13
LABEL_CHARACTERS = 80


@dataclass(frozen=True)
class Bars:
    """Shares of outcomes, 0 … 1, for a picture: by the law and as drawn, in `n` draws of one `context`.

    The three lists are equally long and not empty.
    """

    context: str
    labels: tuple[str, ...]
    expected: tuple[float, ...]
    observed: tuple[float, ...]
    n: int


@dataclass(frozen=True)
class Check:
    """What one check measured, None where the report does not say. `n` counts draws or cases.

    `observed` and `allowed` are in the check's own unit, which `detectable` names; `false_fail_rate` is a probability.
    A check of a distribution has `sigmas` and `bars`; it measures evidence against the law as a power of ten.
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


@dataclass(frozen=True)
class Diagnosis:
    """Why a test did not pass: a word to group by, the command that shows the hint, and the whole text."""

    cause: str
    hint: str
    message: str


@dataclass(frozen=True)
class Properties:
    """The `user_properties` of one test. `verdict` is whatever word the judge left, not yet judged."""

    verdict: str = ""
    diagnosis: Diagnosis | None = None
    checks: tuple[Check, ...] = ()
    output: str = ""


def read_properties(raw: object) -> Properties:
    """The properties in `raw`; whatever has another shape is left out. The first verdict and diagnosis count."""
    verdict = ""
    diagnosis: Diagnosis | None = None
    checks: list[Check] = []
    output: list[str] = []
    for name, value in _pairs(raw):
        if name == "verdict" and isinstance(value, str):
            verdict = verdict or value
        elif name == "diagnosis" and isinstance(value, dict):
            diagnosis = diagnosis or _diagnosis(value)
        elif name == "check" and isinstance(value, dict) and len(checks) < CHECKS:
            checks.append(_check(value))
        elif name == "output" and isinstance(value, str):
            output.append(value)
    return Properties(verdict, diagnosis, tuple(checks), clean("\n".join(output), OUTPUT_CHARACTERS))


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


def _pairs(raw: object) -> Iterator[tuple[object, object]]:
    for item in raw if isinstance(raw, list) else ():
        if isinstance(item, dict):
            yield from item.items()
        elif isinstance(item, list) and len(item) == 2:
            yield item[0], item[1]


def _diagnosis(value: dict[str, object]) -> Diagnosis:
    return Diagnosis(line(value.get("cause")), line(value.get("hint")), message(value.get("message")))


def _check(value: dict[str, object]) -> Check:
    conclusive = value.get("conclusive")
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
    )


def _count(value: object) -> int | None:
    n = number(value)
    return int(n) if n is not None and 0 <= n < 2**53 else None


def _bars(value: object) -> Bars | None:
    """None unless every part is there and fits the others: half a picture would mislead."""
    if not isinstance(value, dict):
        return None
    labels, n = value.get("labels"), _count(value.get("n"))
    expected, observed = _shares(value.get("expected")), _shares(value.get("observed"))
    if not isinstance(labels, list) or n is None or not 1 <= len(labels) <= BARS:
        return None
    if not len(labels) == len(expected) == len(observed):
        return None
    names = tuple(clean_line(label, LABEL_CHARACTERS) if isinstance(label, str) else "" for label in labels)
    return Bars(line(value.get("context")), names, expected, observed, n)


def _shares(value: object) -> tuple[float, ...]:
    """Empty where anything in it is no share."""
    numbers = [number(item) for item in value[: BARS + 1]] if isinstance(value, list) else []
    shares = tuple(item for item in numbers if item is not None and 0 <= item <= 1)
    return shares if len(shares) == len(numbers) else ()
