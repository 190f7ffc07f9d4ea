"""What a terminal shows of checks that passed: one line each, for those of random answers."""

import pytest
from rich.text import Text

from grader.commands.render import calibrated
from grader.domain.measurements import Check


def lines(*checks: Check) -> list[str]:
    """As plain text."""
    shown = calibrated(checks)
    assert all(isinstance(line, Text) for line in shown)
    return [str(line) for line in shown]


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (Check("law of verify", 1.23, 9.68, 4096, 2e-10, kind="law", statistic="evidence, log10"),
         "  law of verify: 4,096 draws, evidence 10^1.2 of 10^9.7 allowed"),
        (Check("law of verify", -0.04, 9.68, 4096, sigmas=2.0),
         "  law of verify: 4,096 draws, evidence 10^0.0 of 10^9.7 allowed"),
        (Check("mean of simulate", 1.5, 6.36, 20_000, 1e-9, kind="mean", statistic="distance in standard errors"),
         "  mean of simulate: 20,000 draws, distance in standard errors 1.5 of 6.36 allowed"),
        (Check("law of verify", None, 9.68, None, kind="law"), "  law of verify: 0 draws"),
    ],
)  # fmt: skip
def test_a_check_of_random_answers_has_one_line(check: Check, line: str) -> None:
    assert lines(check) == [line]


def test_exact_checks_have_none() -> None:
    assert lines(Check("error", 1e-16, 1e-5, 60, 0.0), Check("x", kind="order"), Check("", kind="law")) == []
