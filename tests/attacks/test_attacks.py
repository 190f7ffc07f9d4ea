"""Hostile submissions, each over every sandbox: no point is bought, no test is left without a verdict."""

import os
from pathlib import Path

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.bootstrap import SandboxRunner
from grader.domain.report import Verdict
from grader.domain.submission import Submission
from grader.steps.grading import Graded, grade
from worker.sandbox import Sandbox

COURSE = Path(__file__).parents[2] / "labs"
STARTERS = sorted((Path(__file__).parent / "starters").glob("*.py"))
SEED = 20_240
#: Two tests that every attack meets: one call at a time, and one with a random stream.
TESTS = ("test_expected_tokens_by_hand", "test_simulate_shape_and_limits")
#: Hangs by design: each costs the test's whole time, so one test of the lab is enough.
SLOW = {"fork_bomb", "ignores_sigterm", "slow_frame", "deep_recursion", "file_count_flood"}


@pytest.fixture(autouse=True)
def affordable(sandbox: Sandbox) -> None:
    """gVisor starts slowly: its walls are tried in tests/contract, these attacks on request."""
    if "runsc" in sandbox.name and not os.environ.get("GRADER_TEST_RUNSC"):
        pytest.skip("docker+runsc: attacked where GRADER_TEST_RUNSC is set")


def graded(source: bytes, sandbox: Sandbox, tests: tuple[str, ...] | None = None) -> Graded:
    folder = CourseFolder(COURSE).find("lab-04")
    return grade(folder, Submission({"starter.py": source}), SEED, SandboxRunner(sandbox), tests=tests)


@pytest.mark.parametrize("starter", STARTERS, ids=lambda path: path.stem)
def test_an_attack_buys_nothing(starter: Path, sandbox: Sandbox) -> None:
    outcome = graded(starter.read_bytes(), sandbox, TESTS[:1] if starter.stem in SLOW else TESTS)
    assert outcome.score.points == 0
    verdicts = {result.name: result.verdict for result in outcome.report.tests}
    assert not {Verdict.PASSED, Verdict.MISSING, Verdict.ERRORED} & set(verdicts.values()), verdicts
    assert outcome.report.unknown == ()
    told = " ".join(finding.message for finding in outcome.findings)
    assert "SEED-FOUND" not in told and "NETWORK-REACHED" not in told
    assert "\x1b" not in told and "\u202e" not in told and "\x00" not in told
    assert len(told) < 100_000


def test_a_crash_costs_its_own_test_only(sandbox: Sandbox) -> None:
    """One function that ends the process, in an otherwise right answer."""
    folder = CourseFolder(COURSE).find("lab-04")
    solution = (COURSE / folder.path / "solution.py").read_text(encoding="utf-8")
    hostile = f"{solution}\n\nimport os\ndef implied_cost(*args):\n    os._exit(0)\n"
    outcome = graded(hostile.encode(), sandbox)
    lost = [result.name for result in outcome.report.tests if result.verdict is not Verdict.PASSED]
    concerned = [test.name for test in folder.lab.tests if test.function == "implied_cost"]
    assert set(concerned) <= set(lost)
    assert all(outcome.report.of(name).verdict is Verdict.CRASHED for name in concerned)
    assert outcome.score.points >= 60


def test_a_hang_costs_its_own_test_only(sandbox: Sandbox) -> None:
    """One function that never returns, in an otherwise right answer."""
    folder = CourseFolder(COURSE).find("lab-04")
    solution = (COURSE / folder.path / "solution.py").read_text(encoding="utf-8")
    hostile = f"{solution}\n\ndef expected_tokens_positional(rates):\n    while True:\n        pass\n"
    outcome = graded(hostile.encode(), sandbox)
    lost = {result.name for result in outcome.report.tests if result.verdict is Verdict.TIMED_OUT}
    assert lost
    assert lost == {result.name for result in outcome.report.tests if result.verdict is not Verdict.PASSED}


def test_a_run_out_of_memory_in_every_process_leaves_the_rest_alone(sandbox: Sandbox) -> None:
    """The guest may be taken down with it; the judge asks for another one and goes on."""
    folder = CourseFolder(COURSE).find("lab-04")
    solution = (COURSE / folder.path / "solution.py").read_text(encoding="utf-8")
    bomb = (Path(__file__).parent / "starters" / "memory_bomb_forked.py").read_text(encoding="utf-8")
    hostile = f"{solution}\n\n{bomb.partition('__getattr__')[0]}\nimplied_cost = evil\n"
    outcome = graded(hostile.encode(), sandbox)
    assert outcome.score.points >= 60
