"""lab.toml as a spec sees it: the contract, the tests and their points. The grading service validates it strictly."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from labkit.returns import Signature


@dataclass(frozen=True)
class TestEntry:
    """One `[[tests]]` entry. `long`: it begins before others where tests run side by side and nobody has timed it yet.

    `measured`: it judges what a real engine did; there is no such test where the lab does not measure.
    """

    __test__ = False  # not a test class, whatever its name says

    name: str
    points: int
    claim: str
    stage: int | None = None
    function: str | None = None
    stretch: bool = False
    long: bool = False
    measured: bool = False


@dataclass(frozen=True)
class Manifest:
    """One lab's folder and what its lab.toml says.

    history: those files of `submission` of which the spec is told every version that was handed in. measured: whether
    an engine measures for this course; where not, the tests that need one are `left_out` and the others share all
    points.

    false_fail_rate: how often a correct submission fails, by all its stochastic checks together. false_pass_rate: how
    often a submission with an error that a check promises to catch passes it, in all checks and all `rerolls`, the
    programs one student may try that differ in more than comments and layout. effect: that error, in words.
    """

    folder: Path
    id: str
    title: str
    max_score: int
    submission: tuple[str, ...]
    functions: dict[str, Signature]
    tests: dict[str, TestEntry]
    false_fail_rate: float
    stochastic_checks: int
    test_seconds: float
    false_pass_rate: float = 1e-3
    rerolls: int = 100
    effect: str = ""
    hints: dict[str, list[str]] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    measured: bool = False
    left_out: frozenset[str] = frozenset()

    @property
    def short(self) -> str:
        """`lab-01` for `lab-01-ngram-spec-decode`: what commands and messages say."""
        return "-".join(self.id.split("-")[:2])

    @property
    def alpha(self) -> float:
        """The false-fail rate of one stochastic check: the lab's budget split evenly."""
        return self.false_fail_rate / max(1, self.stochastic_checks)

    @property
    def beta(self) -> float:
        """The false-pass rate of one stochastic check in one run: the budget of one student and lab split evenly."""
        return self.false_pass_rate / (max(1, self.stochastic_checks) * max(1, self.rerolls))

    @property
    def rehearsed(self) -> dict[str, TestEntry]:
        """The tests that need no engine: with the course's own answers they run anywhere."""
        return {name: entry for name, entry in self.tests.items() if not entry.measured}

    def entry(self, test: str) -> TestEntry | None:
        """The entry of a test or of one of its parametrised cases."""
        return self.tests.get(test) or self.tests.get(test.split("[", maxsplit=1)[0])


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the lab in `folder`. Raises ValueError naming the file where it makes no sense."""
    file = folder / "lab.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        functions = {n: Signature.parse(n, text) for n, text in data.get("functions", {}).items()}
        entries = [TestEntry(**t) for t in data["tests"]]
        measured = bool(data.get("measured", False))
        tests = entries if measured else without_measured(entries, data["max_score"])
        calibration = data.get("calibration", {})
        return Manifest(
            folder=folder,
            id=data["id"],
            title=data["title"],
            max_score=data["max_score"],
            submission=tuple(data["submission"]),
            functions=functions,
            tests={entry.name: entry for entry in tests},
            false_fail_rate=float(calibration.get("false_fail_rate", 1e-9)),
            stochastic_checks=int(calibration.get("stochastic_checks", 1)),
            false_pass_rate=float(calibration.get("false_pass_rate", 1e-3)),
            rerolls=int(calibration.get("rerolls", 100)),
            effect=str(calibration.get("effect", "")),
            test_seconds=float(data.get("limits", {}).get("test_seconds", 10)),
            hints=_hints(folder),
            history=tuple(data.get("history", ())),
            measured=measured,
            left_out=frozenset(entry.name for entry in entries) - {entry.name for entry in tests},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error


def without_measured(entries: Sequence[TestEntry], max_score: int) -> list[TestEntry]:
    """The tests that need no engine; they share `max_score` in proportion to their points."""
    kept = [entry for entry in entries if not entry.measured]
    shares = apportioned([entry.points for entry in kept], max_score)
    return [replace(entry, points=points) for entry, points in zip(kept, shares, strict=True)]


def apportioned(points: Sequence[int], total: int) -> list[int]:
    """`total` whole points in proportion to `points`: what is left of the whole parts goes to the largest remainders.

    Of equal remainders the earlier one comes first. Nothing is shared out where all have none.
    """
    whole = sum(points)
    if whole == 0:
        return list(points)
    parts = [divmod(one * total, whole) for one in points]
    shares = [part for part, _ in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: -parts[i][1])
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def _hints(folder: Path) -> dict[str, list[str]]:
    file = folder / "hints.toml"
    if not file.is_file():
        return {}
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: list(entry["hints"]) for name, entry in data.items()}


def find_lab(root: Path, prefix: str) -> Path:
    """The folder of the lab whose id starts with `prefix`, under the course folder `root`. Raises ValueError."""
    folders = {file.parent.name: file.parent for file in sorted(root.glob("*/labs/*/lab.toml"))}
    matches = [folder for name, folder in folders.items() if name.startswith(prefix)]
    if len(matches) != 1:
        raise ValueError(
            f"{prefix!r} names {'no' if not matches else 'more than one'} lab; here are: {', '.join(folders)}"
        )
    return matches[0]
