"""Measures a lab: how often a right answer fails, how surely each known mistake is caught, what a test costs.

The spec is run with the solution and with every mutant over many seeds; the laws that it tests on the way are kept,
and each is then simulated with many thousand samplers (trials). All code here is the course's own.
"""

import os
import re
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labkit.expect import MOST_DRAWS, Expect
from labkit.faults import Undecided
from labkit.laws import Design
from labkit.manifest import Manifest, read_manifest
from labkit.mutation import Mutant, load_mutants
from labkit.plugin import EXPECT
from labkit.samplers import DrawMany

from worker.harness.live import Events
from worker.harness.mean_trials import MeanDesign
from worker.harness.rounds import Case, Round, case_of, environment, play
from worker.harness.trials import try_check

#: Simulated runs that take about as long as one test with one seed; for the progress bar.
RUNS_PER_CASE = 50
#: Keeps the simulations' random stream apart from every spec's.
STREAM = 4242
_NUMBER = re.compile(r"\d+(\.\d+)?")

Hear = Callable[[str, Design | MeanDesign], None]


class Overheard(Expect):
    """Tells `hear` of each law and mean that a spec tests, before it is tested."""

    def __init__(self, hear: Hear, *parts: Any) -> None:
        super().__init__(*parts)
        self._hear = hear

    def law(self, name: str, function: str, design: Design, *how: Any) -> None:
        """See `Expect`."""
        self._hear(name, self.budgeted(design))
        super().law(name, function, design, *how)

    def mean(
        self, name: str, function: str, target: float, low: float, high: float, effect: float, draw: DrawMany,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """See `Expect`."""
        heard = MeanDesign(target, low, high, effect, self._manifest.beta, MOST_DRAWS)
        self._hear(name, heard)

        def overheard(n: int, rng: np.random.Generator) -> Any:
            values = draw(n, rng)
            heard.answers.append(np.asarray(values, dtype=float))
            return values

        super().mean(name, function, target, low, high, effect, overheard, rng)


class Observed(Round):
    """A round that also keeps what each case measured, how long each test took, and the laws tested."""

    def __init__(self, plan: dict[str, list[Case]], tell: Callable[[int], None]) -> None:
        super().__init__(plan, tell)
        self.designs: dict[str, list[Design | MeanDesign]] = {}
        self.seconds: dict[str, list[float]] = {}
        self.verdicts: dict[tuple[Case, str], str] = {}
        self.checks: dict[tuple[Case, str], list[dict[str, Any]]] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Hear of each law."""
        make: Callable[..., Expect] = partial(Overheard, self._hear)
        config.stash[EXPECT] = make

    def _hear(self, name: str, design: Design | MeanDesign) -> None:
        """A check is the same whatever numbers its name tells of this seed's inputs."""
        self.designs.setdefault(_NUMBER.sub("…", name), []).append(design)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep times, verdicts and measurements."""
        super().pytest_runtest_logreport(report)
        found = case_of(report)
        if found is None or report.when != "call":
            return
        self.seconds.setdefault(found[1], []).append(report.duration)
        self.verdicts[found] = next((str(v) for k, v in report.user_properties if k == "verdict"), "")
        self.checks[found] = [v for k, v in report.user_properties if k == "check" and isinstance(v, dict)]


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox: leaves one `calibrated` event."""
    events = Events()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    course = Path("course").resolve()
    os.chdir(course)
    Calibration(job, course, events).run()
    os._exit(0)


class Calibration:
    """One process's share of the seeds and of the simulated runs."""

    def __init__(self, job: dict[str, Any], course: Path, events: Events) -> None:
        self._spec = f"{job['lab']}/{job['spec']}"
        self._seeds: list[int] = job["seeds"]
        self._runs: int = job["runs"]
        self._course = course
        self._events = events
        self._manifest: Manifest = read_manifest(course / job["lab"])
        self._mutants: tuple[Mutant, ...] = load_mutants(self._manifest.folder)
        self._problems: list[str] = []
        self._done = 0
        self._total = len(self._seeds) * (len(self._manifest.rehearsed) + len(self._mutants))

    def run(self) -> None:
        """The spec with the solution, the spec with the mutants, the simulations; then one event."""
        always = [("solution", seed) for seed in self._seeds]
        solution = self._round({test: always for test in self._manifest.rehearsed})
        mutants = self._measure_mutants()
        end_to_end = self._end_to_end(solution)
        checks = [] if self._problems else self._simulate(solution.designs)
        self._events.emit(
            "calibrated",
            environment=environment(),
            problems=self._problems,
            end_to_end=end_to_end,
            checks=checks,
            mutants=mutants,
            seconds={test: statistics.median(times) for test, times in solution.seconds.items()},
        )

    def _round(self, plan: dict[str, list[Case]]) -> Observed:
        before = self._done
        found = Observed(plan, lambda done: self._tell(before + done))
        if problem := play(found, self._spec, self._course):
            self._problems.append(problem)
        self._done = before + sum(len(cases) for cases in plan.values())
        return found

    def _tell(self, done: int) -> None:
        self._events.emit("progress", done=done, total=self._total)

    def _simulate(self, designs: dict[str, list[Design | MeanDesign]]) -> list[dict[str, Any]]:
        rng = np.random.default_rng([STREAM, *self._seeds])
        each = max(1, self._runs // RUNS_PER_CASE)
        self._total = self._done + len(designs) * each
        checks = []
        for name, made in designs.items():
            checks.append(try_check(name, made, self._manifest.alpha, self._runs, rng))
            self._done += each
            self._tell(self._done)
        return checks

    def _end_to_end(self, solution: Observed) -> dict[str, int]:
        """How the solution fared: runs of the spec, those with a failed test, those that only stayed undecided."""
        failed = {case: {test for test in tests} for case, tests in solution.failed.items()}
        undecided = {case for case, tests in failed.items()
                     if all(solution.verdicts.get((case, test)) == Undecided.verdict for test in tests)}  # fmt: skip
        for case in failed.keys() - undecided:
            test = min(failed[case])
            told = solution.reasons[(case, test)]
            self._problems.append(f"the solution fails {test} at seed {case[1]}: {told}")
        return {"runs": len(self._seeds), "failed": len(failed) - len(undecided), "undecided": len(undecided)}

    def _measure_mutants(self) -> list[dict[str, Any]]:
        """Each mutant against the test it names; where that lets it slip, against all tests."""
        plan: dict[str, list[Case]] = {}
        for wrong in self._mutants:
            plan.setdefault(wrong.caught_by, []).extend(self._cases(wrong))
        first = self._round(plan)
        slipped = [case for wrong in self._mutants for case in self._cases(wrong) if case not in first.failed]
        required = [test.name for test in self._manifest.rehearsed.values() if not test.stretch]
        second = self._round(dict.fromkeys(required, slipped)) if slipped and not self._problems else None
        caught = set(first.failed) | (set(second.failed) if second else set())
        return [self._measured(wrong, first, caught) for wrong in self._mutants]

    def _cases(self, wrong: Mutant) -> list[Case]:
        return [(f"mutant:{wrong.id}", seed) for seed in self._seeds]

    def _measured(self, wrong: Mutant, first: Observed, caught: set[Case]) -> dict[str, Any]:
        cases = self._cases(wrong)
        found = [
            check for case in cases for check in (_telling(first.checks.get((case, wrong.caught_by), [])),) if check
        ]
        return {
            "mutant": wrong.id,
            "caught_by": wrong.caught_by,
            "runs": len(cases),
            "slipped": [seed for case, seed in zip(cases, self._seeds, strict=True) if case not in first.failed],
            "survived": [seed for case, seed in zip(cases, self._seeds, strict=True) if case not in caught],
            "effect": None if not found else {"check": found[0]["name"], "allowed": found[0]["allowed"],
                       "observed": [one["observed"] for one in found if one["name"] == found[0]["name"]]},
        }  # fmt: skip


def _telling(checks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The check that a mutant failed: the first that measured more than is allowed; None if it failed without one."""
    return next((c for c in checks if c["observed"] is not None and c["observed"] > c["allowed"]), None)
