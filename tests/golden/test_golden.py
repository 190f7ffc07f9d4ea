"""Whole submissions and the exact verdicts they must get: add a case by adding a folder."""

import json
from pathlib import Path

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.bootstrap.grading import SandboxRunner
from grader.domain.submission import Submission
from grader.steps.grading import grade
from worker.sandbox import Sandbox

COURSE = Path(__file__).parents[2] / "labs"
CASES = sorted(file.parent for file in Path(__file__).parent.glob("*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_verdicts_are_the_expected_ones(case: Path, sandbox: Sandbox) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    folder = CourseFolder(COURSE).find(expected["lab"])
    files = {name: case / name for name in folder.lab.submission}
    submission = Submission({name: file.read_bytes() for name, file in files.items() if file.is_file()})
    outcome = grade(folder, submission, expected["seed"], SandboxRunner(sandbox))
    got = {result.name: result.verdict.value for result in outcome.report.tests if result.verdict != "passed"}
    causes = {result.name: result.diagnosis.cause for result in outcome.report.tests if result.diagnosis}
    assert (got, causes, outcome.score.points) == (expected["not_passed"], expected["causes"], expected["score"])
