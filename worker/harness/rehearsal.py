"""Before a lab opens: the course's own answers over many seeds, in one pytest session each round.

The solution must pass every test at every seed, the starter none, and each mutant must fail the test it names. A
mutant that slips through its own test at a seed gets all tests there: it must fail one. All code here is the course's
own, so it runs in one process.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from labkit.manifest import Manifest, read_manifest
from labkit.mutation import Mutant, load_mutants

from worker.harness.live import Events

Case = tuple[str, int]  # LAB_IMPL, LAB_SEED
STARTER_SEEDS = 3
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
        name, _, label = str(report.nodeid).partition("::")[2].partition("[")
        impl, _, seed = label.rstrip("]").rpartition("@")
        if not seed.isdigit():
            return  # a test without cases in this round
        case = (impl, int(seed))
        if report.outcome != "passed":
            self.failed.setdefault(case, set()).add(name)
            self.reasons[(case, name)] = str(report.longrepr)[:2000]
        if report.when == "call":
            checks = [v for k, v in report.user_properties if k == "check"]
            self.stochastic[case] = self.stochastic.get(case, 0) + sum(map(_is_stochastic, checks))
            self._done += 1
            if self._done % TOLD_EVERY == 0:
                self._tell(self._done)


def _is_stochastic(check: Any) -> bool:
    return isinstance(check, dict) and float(check["false_fail_rate"]) > 0


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox: leaves one `rehearsed` event."""
    events = Events()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    course = Path("course").resolve()
    os.chdir(course)
    Rehearsal(job, course, events).run()
    os._exit(0)


class Rehearsal:
    """The rounds of one lab and what they show."""

    def __init__(self, job: dict[str, Any], course: Path, events: Events) -> None:
        self._spec = f"{job['lab']}/{job['spec']}"
        self._seeds: list[int] = job["seeds"]
        self._course = course
        self._events = events
        self._manifest: Manifest = read_manifest(course / job["lab"])
        self._mutants: tuple[Mutant, ...] = load_mutants(self._manifest.folder)
        self._required = [t.name for t in self._manifest.tests.values() if not t.stretch]
        self._broken: list[str] = []

    def run(self) -> None:
        """All rounds, then one event with the problems found."""
        first = self._round(self._first_plan())
        slipped = [case for case in self._mutant_cases() if case not in first.failed]
        second = self._round(dict.fromkeys(self._required, slipped)) if slipped and not self._broken else None
        survivors = [case for case in slipped if second is None or case not in second.failed]
        problems = self._broken or [*self._course_problems(first), *self._mutant_problems(survivors)]
        self._events.emit(
            "rehearsed",
            problems=problems,
            seeds=len(self._seeds),
            mutants=len(self._mutants),
            tests=len(self._manifest.tests),
            slipped=len(slipped),
        )

    def _mutant_cases(self) -> Iterator[Case]:
        return ((f"mutant:{wrong.id}", seed) for wrong in self._mutants for seed in self._seeds)

    def _first_plan(self) -> dict[str, list[Case]]:
        always = [("solution", seed) for seed in self._seeds]
        always += [("starter", seed) for seed in self._seeds[:STARTER_SEEDS]]
        plan = {name: list(always) for name in self._manifest.tests}
        for wrong in self._mutants:
            plan.setdefault(wrong.caught_by, []).extend((f"mutant:{wrong.id}", seed) for seed in self._seeds)
        return plan

    def _round(self, plan: dict[str, list[Case]]) -> Round:
        total = sum(len(cases) for cases in plan.values())
        found = Round(plan, lambda done: self._events.emit("progress", done=done, total=total))
        options = ["-c", str(self._course / "pytest.ini"), "--rootdir", str(self._course), "-p", "no:cacheprovider"]
        code = pytest.main([self._spec, "--tb=short", "--no-summary", "-q", "-m", "not gpu", *options], plugins=[found])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self._broken.append(f"the spec did not run: pytest ended with {pytest.ExitCode(code).name}")
        return found

    def _course_problems(self, first: Round) -> Iterator[str]:
        for seed in self._seeds:
            for test in sorted(first.failed.get(("solution", seed), ())):
                yield f"the solution fails {test} at seed {seed}: {first.reasons[(('solution', seed), test)]}"
        for seed in self._seeds[:STARTER_SEEDS]:
            for test in self._required:
                if test not in first.failed.get(("starter", seed), ()):
                    yield f"the starter passes {test} at seed {seed} without any work"
        used = max((first.stochastic.get(("solution", seed), 0) for seed in self._seeds), default=0)
        split = self._manifest.stochastic_checks
        if used > split:
            yield f"a run makes {used} stochastic checks, but [calibration] splits its budget over {split}"

    def _mutant_problems(self, survivors: list[Case]) -> Iterator[str]:
        if not self._mutants:
            yield "there is no mutants.py: nothing shows that the spec catches a mistake"
        for wrong in self._mutants:
            if wrong.caught_by not in self._manifest.tests:
                yield f"mutant {wrong.id} names the test {wrong.caught_by}, which lab.toml does not list"
            lived = [seed for impl, seed in survivors if impl == f"mutant:{wrong.id}"]
            if lived:
                yield f"mutant {wrong.id} gets full points at seed {lived[0]}"
