"""Points from verdicts: a pure function, so that a score can be computed again without running anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from grader.domain.lab import Lab
from grader.domain.report import Report, Verdict


@dataclass(frozen=True)
class Score:
    """Whole points, 0 … `max_points`. `per_test` has what each listed test earned, in the lab's order."""

    points: int
    max_points: int
    per_test: Mapping[str, int] = field(hash=False)


def score(report: Report, lab: Lab) -> Score:
    """What `report` is worth under `lab`: a test that passed earns all its points, any other none, a stretch test 0."""
    per_test = {
        test.name: 0 if test.stretch or report.of(test.name).verdict is not Verdict.PASSED else test.points
        for test in lab.tests
    }
    points = min(max(0, sum(per_test.values())), lab.max_score)
    return Score(points, lab.max_score, MappingProxyType(per_test))
