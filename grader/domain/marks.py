"""What is kept of each test of a graded job, so that a class can be looked at without reading a thousand reports."""

import math
from typing import NamedTuple

from grader.domain.diagnosis import diagnose
from grader.domain.lab import Lab
from grader.domain.measurements import Check
from grader.domain.report import Report, TestResult, Verdict

MOST_MARGIN = 1e6


class _Mark(NamedTuple):
    test: str
    verdict: str
    cause: str
    margin: float | None = None


class TestMark(_Mark):
    """How one test ended: its verdict, the diagnosis's cause (empty if it passed), and how close it was.

    `margin` is observed over allowed of its closest check, 0 … 1e6; None where no check says. A class has tens of
    thousands of these, all read for one page, so they are tuples.
    """

    __test__ = False  # not a test class, whatever its name says
    __slots__ = ()

    @property
    def passed(self) -> bool:
        """Whether it earned its points."""
        return self.verdict == Verdict.PASSED


def marks(report: Report, lab: Lab) -> tuple[TestMark, ...]:
    """One per test of the lab, in its order."""
    return tuple(_mark(report.of(test.name)) for test in lab.tests)


def _mark(result: TestResult) -> TestMark:
    told = diagnose(result)
    margins = [margin for check in result.checks if (margin := _margin(check)) is not None]
    return TestMark(result.name, str(result.verdict), told.cause if told else "", max(margins, default=None))


def _margin(check: Check) -> float | None:
    if check.observed is None or check.allowed is None or check.observed < 0 or check.allowed <= 0:
        return None
    margin = check.observed / check.allowed
    return min(margin, MOST_MARGIN) if math.isfinite(margin) else MOST_MARGIN
