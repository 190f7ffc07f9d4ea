"""Points from verdicts: a pure function, so that a score can be computed again without running anything."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from grader.domain.lab import Lab, TestSpec
from grader.domain.report import Report, TestResult, Verdict


@dataclass(frozen=True)
class Score:
    """Whole points, 0 … `max_points`. `per_test` has what each listed test earned, in the lab's order."""

    points: int
    max_points: int
    per_test: Mapping[str, int] = field(hash=False)


def score(report: Report, lab: Lab) -> Score:
    """What `report` is worth under `lab`: a test that passed earns its points, any other none, a stretch test 0."""
    per_test = {test.name: earned(test, report.of(test.name)) for test in lab.tests}
    points = min(max(0, sum(per_test.values())), lab.max_score)
    return Score(points, lab.max_score, MappingProxyType(per_test))


def earned(test: TestSpec, result: TestResult) -> int:
    """What one test is worth: all its points where it passed, or the share that its spec gives, rounded half up."""
    if test.stretch or result.verdict is not Verdict.PASSED:
        return 0
    return math.floor(test.points * result.share + 0.5)
