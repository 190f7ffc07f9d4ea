"""Measurements of checks in the page's words, with their pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.domain.measurements import Check
from grader.web.pages.law_pictures import bars, distances
from grader.web.pages.pictures import gauge
from grader.web.pages.wording import chance, count, missed, odds, small

#: Measurements told of one test; a parametrised one can have hundreds.
MEASUREMENTS = 12


@dataclass(frozen=True)
class Measurement:
    """One check in words, with its pictures; they are empty where there is nothing to draw."""

    check: Check
    facts: tuple[tuple[str, str], ...]
    gauge: Markup
    bars: Markup
    distances: Markup


def measurements(checks: Sequence[Check]) -> tuple[Measurement, ...]:
    """The first of them in words and pictures; those outside what is allowed, or not settled, come first."""
    ordered = sorted((check for check in checks if check.name), key=_turn)
    return tuple(
        Measurement(
            check,
            tuple(_facts(check)),
            Markup("") if check.too_even else gauge(check),
            bars(check.bars, settled=check.conclusive is not False) if check.bars else Markup(""),
            distances(check.trace, check) if check.trace else Markup(""),
        )
        for check in ordered[:MEASUREMENTS]
    )


def _turn(check: Check) -> int:
    if check.conclusive is False:
        return 1
    outside = check.observed is not None and check.allowed is not None and check.observed > check.allowed
    return 0 if outside or check.too_even else 2


def _facts(check: Check) -> list[tuple[str, str]]:
    facts = [("Observed", _observed(check)), ("Allowed", _allowed(check))]
    if check.n is not None:
        facts.append(("Seen", count(check.n, "draw" if check.random else "case")))
    if check.sigmas:
        facts.append(("Furthest", f"{check.sigmas:g} standard deviations from the law"))
    facts.append(("False alarm", chance(check.false_fail_rate)))
    if check.effect:
        facts.append(("Catches", check.effect + missed(check.power)))
    if check.detectable and not (check.effect and check.effect in check.detectable):
        facts.append(("Detects", check.detectable))
    if check.needed and check.random:
        facts.append(("Needed", check.needed))
    if check.conclusive is False:
        facts.append(
            ("Settled", "no: that is not a pass, it costs no attempt, and nothing says that the code is wrong")
        )
    if check.seed and check.random:
        facts.append(("Its seed", check.seed))
    return facts


def _observed(check: Check) -> str:
    if check.observed is None:
        return "not stated"
    if check.too_even:
        return "no evidence against the law, but answers more even than random ones ever are"
    if check.evidence:
        return f"evidence against the law: {odds(check.observed)}"
    if check.allowed == 0:
        return "no violation" if check.observed <= 0 else "a violation"
    value = "more than any number" if check.observed >= 1e300 else small(check.observed)
    return f"{check.statistic}: {value}" if check.statistic else value


def _allowed(check: Check) -> str:
    if check.allowed is None:
        return "not stated"
    if check.evidence:
        return f"evidence below {odds(check.allowed)}"
    return "none" if check.allowed == 0 else f"up to {small(check.allowed)}"
