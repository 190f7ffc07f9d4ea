"""Known mistakes. Each is a wrong version of one function, with the sentence a student who made it should read.

A lab's mutants.py defines them; the students' copy of the course does not have it. They serve twice: every mutant
must fail the spec (`grader check-lab`), and a wrong answer that equals a mutant's is explained in its words.

    @mutant("emits-rejected", "verify", caught_by="test_correction_token",
            says="you emitted the rejected draft token instead of the target's own", fix="append greedy[m]")
    def verify_emits_rejected(draft, greedy): ...

A mutant sees the solution's names: its source is appended to the solution's, where it takes the function's place.
"""

import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from labkit.contract import Implementation, InProcess, load_file, load_source
from labkit.faults import StudentFault
from labkit.manifest import Manifest
from labkit.plain import same


@dataclass(frozen=True)
class Mutant:
    """One known mistake in `function`; `caught_by` names the test that must fail for it."""

    id: str
    function: str
    says: str
    fix: str
    caught_by: str
    source: str


def mutant(
    id: str, function: str, *, says: str, caught_by: str, fix: str = ""
) -> Callable[[Callable[..., Any]], Mutant]:
    """Declare the decorated function to be a wrong version of `function`."""

    def declare(wrong: Callable[..., Any]) -> Mutant:
        lines = textwrap.dedent(inspect.getsource(wrong)).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("def "))
        body = "\n".join(lines[start:])
        return Mutant(id, function, says, fix, caught_by, f"{body}\n\n{function} = {wrong.__name__}\n")

    return declare


@cache
def load_mutants(folder: Path) -> tuple[Mutant, ...]:
    """The lab's mutants in the order of its mutants.py; none where it has no such file (a student's copy)."""
    if not (folder / "mutants.py").is_file():
        return ()
    return tuple(value for value in vars(load_file(folder / "mutants.py")).values() if isinstance(value, Mutant))


def mutated_source(folder: Path, wrong: Mutant) -> str:
    """A whole submission that is the solution but for one mistake."""
    solution = (folder / "solution.py").read_text(encoding="utf-8")
    return f"{solution}\n\n# mutant {wrong.id}\n{wrong.source}"


def mutated_module(folder: Path, wrong: Mutant) -> ModuleType:
    """The module of `mutated_source`."""
    return load_source(mutated_source(folder, wrong), folder / f"mutant-{wrong.id}.py")


class Matcher:
    """Finds the mutants whose answers equal a submission's on every call seen so far."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def match(self, function: str, calls: Sequence[tuple[tuple[Any, ...], Any]]) -> list[Mutant]:
        """`calls` are (arguments never yet used, the submission's value); random streams cannot be matched so."""
        return [m for m, impl in _running(self._manifest) if all(_agrees(impl, function, a, v) for a, v in calls)]

    def named(self, id: str) -> Mutant | None:
        """The mutant `id`, for checks that tell mistakes apart by their law."""
        return next((m for m in load_mutants(self._manifest.folder) if m.id == id), None)


_RUNNING: dict[Path, list[tuple[Mutant, Implementation]]] = {}


def _running(manifest: Manifest) -> list[tuple[Mutant, Implementation]]:
    """The lab's mutants ready to be called, made once per process: they are the course's own code and keep no state."""
    folder = manifest.folder
    if folder not in _RUNNING:
        _RUNNING[folder] = [
            (m, Implementation(manifest, InProcess(partial(mutated_module, folder, m), seed=0)))
            for m in load_mutants(folder)
        ]
    return _RUNNING[folder]


def _agrees(impl: Implementation, function: str, args: tuple[Any, ...], value: Any) -> bool:
    try:
        return same(getattr(impl, function)(*args), value)
    except StudentFault:
        return False
