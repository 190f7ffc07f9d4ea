"""Measurements of checks in the page's words, with their pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.domain.measurements import Check
from grader.web.pages.pictures import bars, gauge
from grader.web.pages.wording import chance, count, odds, small

#: Measurements told of one test; a parametrised one can have hundreds.
MEASUREMENTS = 12


@dataclass(frozen=True)
class Measurement:
    """One check in words, with its pictures; they are empty where there is nothing to draw."""

    check: Check
    facts: tuple[tuple[str, str], ...]
    gauge: Markup
    bars: Markup


def measurements(checks: Sequence[Check]) -> tuple[Measurement, ...]:
    """The first of them in words and pictures; those outside what is allowed come first."""
    ordered = sorted((check for check in checks if check.name), key=lambda check: not _outside(check))
    return tuple(
        Measurement(check, tuple(_facts(check)), gauge(check), bars(check.bars) if check.bars else Markup(""))
        for check in ordered[:MEASUREMENTS]
    )


def _outside(check: Check) -> bool:
    return check.observed is not None and check.allowed is not None and check.observed > check.allowed


def _facts(check: Check) -> list[tuple[str, str]]:
    law = check.sigmas is not None
    facts = [("Observed", _observed(check, law)), ("Allowed", _allowed(check, law))]
    if check.n is not None:
        facts.append(("Seen", count(check.n, "draw" if law else "case")))
    if check.sigmas:
        facts.append(("Furthest", f"{check.sigmas:g} standard deviations from the law"))
    facts.append(("False alarm", chance(check.false_fail_rate)))
    if check.detectable:
        facts.append(("Detects", check.detectable))
    if check.conclusive is False:
        facts.append(("Settled", "no: the draws said neither yes nor no"))
    return facts


def _observed(check: Check, law: bool) -> str:
    if check.observed is None:
        return "not stated"
    if law:
        return f"evidence against the law: {odds(check.observed)}"
    if check.allowed == 0:
        return "no violation" if check.observed <= 0 else "a violation"
    return "more than any number" if check.observed >= 1e300 else small(check.observed)


def _allowed(check: Check, law: bool) -> str:
    if check.allowed is None:
        return "not stated"
    if law:
        return f"evidence below {odds(check.allowed)}"
    return "none" if check.allowed == 0 else f"up to {small(check.allowed)}"
