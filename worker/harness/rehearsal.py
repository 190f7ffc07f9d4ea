"""Before a lab opens: the course's own answers over many seeds, in one pytest session each round.

The solution must pass every test at every seed, the starter none, and each mutant must fail the test it names. A
mutant that slips through its own test at a seed gets all tests there: it must fail one. All code here is the course's
own, so it runs in one process.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.manifest import Manifest, read_manifest
from labkit.mutation import Mutant, load_mutants

from worker.harness.live import Events
from worker.harness.rounds import Case, Round, environment, play

STARTER_SEEDS = 3


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
        self._tests = self._manifest.rehearsed
        self._required = [test.name for test in self._tests.values() if not test.stretch]
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
            environment=environment(),
            problems=problems,
            seeds=len(self._seeds),
            mutants=len(self._mutants),
            tests=len(self._tests),
            slipped=len(slipped),
        )

    def _mutant_cases(self) -> Iterator[Case]:
        return ((f"mutant:{wrong.id}", seed) for wrong in self._mutants for seed in self._seeds)

    def _first_plan(self) -> dict[str, list[Case]]:
        always = [("solution", seed) for seed in self._seeds]
        always += [("starter", seed) for seed in self._seeds[:STARTER_SEEDS]]
        plan = {name: list(always) for name in self._tests}
        for wrong in self._mutants:
            plan.setdefault(wrong.caught_by, []).extend((f"mutant:{wrong.id}", seed) for seed in self._seeds)
        return plan

    def _round(self, plan: dict[str, list[Case]]) -> Round:
        total = sum(len(cases) for cases in plan.values())
        found = Round(plan, lambda done: self._events.emit("progress", done=done, total=total))
        if problem := play(found, self._spec, self._course):
            self._broken.append(problem)
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
            if wrong.caught_by not in self._tests:
                yield f"mutant {wrong.id} names the test {wrong.caught_by}, which lab.toml does not list"
            lived = [seed for impl, seed in survivors if impl == f"mutant:{wrong.id}"]
            if lived:
                yield f"mutant {wrong.id} gets full points at seed {lived[0]}"
