"""Rounds: one pytest session of a lab's spec, in which each test runs for its planned cases (implementation, seed)."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Case = tuple[str, int]  # LAB_IMPL, LAB_SEED
TOLD_EVERY = 100


class Round:
    """pytest plugin: runs each test for its planned cases and notes what failed."""

    def __init__(self, plan: dict[str, list[Case]], tell: Callable[[int], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._done = 0
        self.failed: dict[Case, set[str]] = {}
        self.reasons: dict[tuple[Case, str], str] = {}
        self.stochastic: dict[Case, int] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item per case: the two fixtures of labkit's plugin are overridden by parameters."""
        cases = self._plan.get(metafunc.function.__name__, [])
        metafunc.parametrize(("lab_impl", "lab_seed"), cases, ids=[f"{impl}@{seed}" for impl, seed in cases])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure, and how many stochastic checks the case used."""
        planned = case_of(report)
        if planned is None:
            return  # a test without cases in this round
        case, name = planned
        if report.outcome != "passed":
            self.failed.setdefault(case, set()).add(name)
            self.reasons[(case, name)] = str(report.longrepr)[:2000]
        if report.when == "call":
            checks = [v for k, v in report.user_properties if k == "check"]
            self.stochastic[case] = self.stochastic.get(case, 0) + sum(map(_is_stochastic, checks))
            self._done += 1
            if self._done % TOLD_EVERY == 0:
                self._tell(self._done)


def case_of(report: pytest.TestReport) -> tuple[Case, str] | None:
    """The case that a report is of, and the test's name; None for a test that has no cases in its round."""
    name, _, label = str(report.nodeid).partition("::")[2].partition("[")
    impl, _, seed = label.rstrip("]").rpartition("@")
    return ((impl, int(seed)), name) if seed.isdigit() else None


def environment() -> dict[str, str]:
    """What random streams and rounding may depend on beside the lab's own files."""
    return {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}


def play(found: Round, spec: str, course: Path) -> str:
    """Run the round over the spec (its path in `course`); why the spec could not run, "" if it did."""
    options = ["-c", str(course / "pytest.ini"), "--rootdir", str(course), "-p", "no:cacheprovider"]
    code = pytest.main([spec, "--tb=short", "--no-summary", "-q", "-m", "not gpu", *options], plugins=[found])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return ""
    return f"the spec did not run: pytest ended with {pytest.ExitCode(code).name}"


def _is_stochastic(check: Any) -> bool:
    return isinstance(check, dict) and float(check["false_fail_rate"]) > 0
