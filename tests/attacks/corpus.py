"""The corpus of hostile starters: one file each, its head says what it tries, which promise it tries to break and more.

    Promise: I2                 the line of the promises it belongs to
    Lab: lab-04                 the lab it attacks; default target-1 of the course in this folder, whose target-2 is of
                                the gpu queue and measured
    Tests: test_a test_b        the tests it meets, or `all`; default the few of target-1 that every value crosses
    Right: yes                  it stands behind a right answer
    Earns: 8                    the points of its honest part; default 0
    Verdict: timed_out          the verdict that each test it meets must get; default any that is no pass
    Sandboxes: bubblewrap       the kinds that promise to withstand it; default all, gVisor under Docker among them

Every submission begins with prelude.py, which knows the way to the channel.
"""

import ast
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from grader.adapters.lab_folder import CourseFolder, LabFolder
from grader.domain.report import Report, TestResult, Verdict
from grader.domain.submission import Submission
from grader.steps.grading import Graded

HERE = Path(__file__).parent
LABS = HERE.parents[1] / "labs"
TARGET = "target-1"
GPU_TARGET = "target-2"
SEED = 20_240
#: One call of each kind: numbers, arrays, callables. Naive asserts and random streams where an attack asks for them.
USUAL = ("test_total", "test_scaled", "test_asked")
KINDS = ("bubblewrap", "docker", "docker+runsc")
#: What is also tried where an engine is near: the walls that keep a guest from devices, files, networks and processes.
BESIDE_AN_ENGINE = (
    "channel/poses_as_guest", "channel/second_connection", "channel/sends_descriptors", "network/claimed_users",
    "network/devices", "network/namespaces", "network/tcp", "network/unix_sockets", "persistence/files",
    "persistence/survivors", "resources/kills_everything", "resources/memory_bomb", "tampering/event_lines",
    "tampering/fake_report", "tampering/pytest_skip", "theft/debugger", "theft/environment", "theft/file_walk",
    "theft/imports", "theft/own_descriptors", "theft/processes", "theft/stolen_descriptors",
)  # fmt: skip
#: What no attack may end in: a pass, no verdict, or one that blames the lab or the machine.
FORBIDDEN = {Verdict.PASSED, Verdict.MISSING, Verdict.ERRORED, Verdict.INCONCLUSIVE}
#: Seconds a run may last beyond what the lab gives it.
GRACE = 5.0


@dataclass(frozen=True)
class Attack:
    """One hostile starter."""

    path: Path
    what: str
    promise: str
    lab: str = TARGET
    tests: tuple[str, ...] | None = USUAL
    right: bool = False
    earns: int = 0
    verdict: Verdict | None = None
    sandboxes: tuple[str, ...] = KINDS

    @property
    def name(self) -> str:
        """Its category and what it is called."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def title(self) -> str:
        """Its name, with the lab where that is not the usual one."""
        return self.name if self.lab == TARGET else f"{self.name}:{self.lab}"

    def submission(self) -> Submission:
        """What is handed in."""
        parts = [HERE / "prelude.py", self.path]
        if self.right:
            parts.insert(1, HERE / "course/hostile/labs" / TARGET / "solution.py")
        return Submission({"starter.py": b"\n\n".join(part.read_bytes() for part in parts)})


def attacks() -> list[Attack]:
    """All of them, by name."""
    return [read(path) for path in sorted((HERE / "starters").glob("*/*.py"))]


def beside_an_engine(corpus: list[Attack]) -> list[Attack]:
    """Attacks of the corpus on other labs, turned on the lab that is measured."""
    by_name = {attack.name: attack for attack in corpus}
    return [replace(by_name[name], lab=GPU_TARGET, tests=None) for name in BESIDE_AN_ENGINE]


def read(path: Path) -> Attack:
    """One of them. Raises ValueError where its head makes no sense."""
    what, _, head = (ast.get_docstring(ast.parse(path.read_bytes())) or "").partition("\n\n")
    words = {name: value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
    promise = words.pop("Promise", "")
    right = words.pop("Right", "") == "yes"
    tests = words.pop("Tests", "all" if right else " ".join(USUAL))
    attack = Attack(
        path, " ".join(what.split()), promise, words.pop("Lab", TARGET),
        None if tests == "all" else tuple(tests.split()), right, int(words.pop("Earns", "0")),
        Verdict(words.pop("Verdict")) if "Verdict" in words else None,
        tuple(words.pop("Sandboxes", " ".join(KINDS)).split()),
    )  # fmt: skip
    if words or not promise or not what:
        raise ValueError(
            f"{path}: the head of a hostile starter is made of the lines that corpus.py names, not {words}"
        )
    return attack


def target_course(folder: Path) -> CourseFolder:
    """The course that is there to be attacked, with the kit it needs, made in `folder`."""
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HERE / "course", folder, ignore=without)
    shutil.copytree(LABS / "labkit", folder / "labkit", ignore=without)
    return CourseFolder(folder)


def lab_of(attack: Attack, target: CourseFolder) -> LabFolder:
    """The lab it attacks."""
    return (target if attack.lab in (TARGET, GPU_TARGET) else CourseFolder(LABS)).find(attack.lab)


def told(outcome: Graded) -> str:
    """Everything that anybody is shown of it."""
    return "\n".join(_texts(outcome))


def _texts(outcome: Graded) -> Iterator[str]:
    for finding in outcome.findings:
        yield from (finding.message, finding.cause, finding.hint)
    yield from _report(outcome.report)


def _report(report: Report) -> Iterator[str]:
    for result in report.tests:
        yield from (result.name, result.output)
        if result.diagnosis is not None:
            yield from (result.diagnosis.message, result.diagnosis.cause, result.diagnosis.hint)
        yield from (text for check in result.checks for text in (check.name, check.needed, check.effect))


def dirt(text: str) -> set[str]:
    """The characters in it that could move a cursor, turn the reading direction, hide, or not be sent at all.

    Tabs and line feeds may stay, as `grader.domain.text` says; what a spreadsheet makes of them is the exports' care.
    """
    harmful = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return {f"U+{ord(c):04X}" for c in set(text) - {"\n", "\t"} if unicodedata.category(c) in harmful}


def verdicts(outcome: Graded) -> dict[str, Verdict]:
    """Each test's verdict."""
    return {result.name: result.verdict for result in outcome.report.tests}


def lost(outcome: Graded) -> list[TestResult]:
    """The tests that were not passed."""
    return [result for result in outcome.report.tests if result.verdict is not Verdict.PASSED]
