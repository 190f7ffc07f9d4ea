"""A lab's calibration record: what was measured of its verdicts, and whether that still holds.

`grader calibrate` writes it into the lab's folder as calibration.json; it is no part of what judges.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from grader.domain.errors import BadManifest, Problem
from grader.domain.manifest import Table
from grader.domain.text import clean_line

FILE = "calibration.json"
SCHEMA = 1
MOST_BYTES = 1024 * 1024
#: More changed files than this are counted, not named.
NAMED_FILES = 4
MOST_PROBLEMS = 10
_MANY = 2**53
_ZERO = math.nextafter(0.0, -1.0)
_HEX = r"[0-9a-f]{64}"


@dataclass(frozen=True)
class Draws:
    """How many draws it took: `p99` is the 99th percentile."""

    mean: float
    median: float
    p99: float
    most: float


@dataclass(frozen=True)
class Tally:
    """How runs ended."""

    runs: int
    failed: int
    undecided: int

    @property
    def failed_share(self) -> float:
        """From 0 to 1."""
        return self.failed / self.runs

    @property
    def passed(self) -> int:
        """Those that neither failed nor stayed undecided."""
        return self.runs - self.failed - self.undecided


@dataclass(frozen=True)
class Law:
    """A known mistake simulated by its exact law; `distance` is its total variation distance from the right one."""

    mistake: str
    tally: Tally
    distance: float
    draws: Draws


@dataclass(frozen=True)
class Unnamed:
    """Samplers that are off by so many times the check's `effect`; `where` says in how much of what they answer.

    `by_floor` failed before any sampler may pass.
    """

    where: str
    times: float
    tally: Tally
    by_floor: int


@dataclass(frozen=True)
class CheckRecord:
    """One statistical check: correct samplers, the chance that one fails (`estimate`), and wrong ones.

    `effect` is the error that passes with probability `beta` at most, 0 where the check promises nothing of the kind.
    `crossed` holds (level, share of correct samplers whose evidence ever reached 1/level); the share is at most level.
    """

    name: str
    kind: str
    alpha: float
    beta: float
    effect: float
    floor: int
    cap: int
    null: Tally
    draws: Draws
    crossed: tuple[tuple[float, float], ...]
    estimate: float
    standard_error: float
    laws: tuple[Law, ...]
    unnamed: tuple[Unnamed, ...]


@dataclass(frozen=True)
class MutantRecord:
    """One mutant end to end: at how many seeds, and those at which its own test, or even all tests, let it pass."""

    name: str
    caught_by: str
    runs: int
    slipped: tuple[int, ...]
    survived: tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """What was measured, of which files (SHA-256 by path) and where. `end_to_end`: the solution under the spec."""

    lab: str
    made: str
    spec_digest: str
    files: Mapping[str, str] = field(hash=False)
    environment: Mapping[str, str] = field(hash=False)
    false_fail_rate: float
    false_pass_rate: float
    rerolls: int
    effect: str
    students: int
    submissions: int
    end_to_end: Tally
    checks: tuple[CheckRecord, ...]
    mutants: tuple[MutantRecord, ...]
    seconds: Mapping[str, float] = field(hash=False)


def read_record(text: str) -> Record:
    """The record that `text` is. Raises BadManifest with every problem."""
    if len(text) > MOST_BYTES:
        raise BadManifest(FILE, [Problem("", "expected at most 1 MB")])
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadManifest(FILE, [Problem("", f"this is not JSON: {clean_line(str(error), 200)}")]) from None
    if not isinstance(data, dict):
        raise BadManifest(FILE, [Problem("", "expected a JSON object")])
    if data.get("schema") != SCHEMA:
        raise BadManifest(FILE, [Problem("schema", f"expected {SCHEMA}: another version of the grader wrote this")])
    problems: list[Problem] = []
    record = _record(Table(data, "", problems))
    if problems:
        raise BadManifest(FILE, [Problem(clean_line(one.key, 200), one.text) for one in problems[:MOST_PROBLEMS]])
    return record


def digests(bundle: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file."""
    return {path: sha256(data).hexdigest() for path, data in bundle.items()}


def stale(
    record: Record | None, lab: str, digest: str, files: Mapping[str, str], environment: Mapping[str, str] | None = None
) -> list[str]:
    """Why the record says nothing of the lab as it is now; empty if it does.

    `digest` and `files` are the spec's now; `environment` is where verdicts are made, None if that is not known.
    """
    if record is None:
        return ["there is no calibration record"]
    if record.lab != lab:
        return [f"the calibration record is another lab's, {record.lab}"]
    reasons = [] if record.spec_digest == digest else _changes(record, files)
    for name, now in (environment or {}).items():
        then = record.environment.get(name, "nothing")
        if _comparable(name, then) != _comparable(name, now):
            reasons.append(f"{name} {then} then, {now} now")
    return reasons


def _comparable(name: str, version: str) -> str:
    """A patch release of Python changes no verdict; any of numpy's may change its random streams."""
    return ".".join(version.split(".")[:2]) if name == "python" else version


def _changes(record: Record, files: Mapping[str, str]) -> list[str]:
    changed = [path for path in files if path in record.files and record.files[path] != files[path]]
    new = [path for path in files if path not in record.files]
    gone = [path for path in record.files if path not in files]
    told = [
        f"{_listed(record.lab, paths)} {verb[len(paths) > 1]}"
        for paths, verb in (
            (changed, ("has changed since", "have changed since")),
            (new, ("is new", "are new")),
            (gone, ("is gone", "are gone")),
        )
        if paths
    ]
    return told or ["the spec has changed since"]


def _listed(lab: str, paths: Sequence[str]) -> str:
    names = [path.rpartition(f"/{lab}/")[2] for path in sorted(paths)]
    if len(names) > NAMED_FILES:
        names = [*names[: NAMED_FILES - 1], f"{len(names) - NAMED_FILES + 1} more files"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _record(top: Table) -> Record:
    budget = top.table("budget")
    return Record(
        lab=top.text("lab"),
        made=top.text("made", pattern=r"\d{4}-\d{2}-\d{2}", expected="a date"),
        spec_digest=top.text("spec_digest", pattern=_HEX, expected="a SHA-256"),
        files=_texts(top.table("files"), _HEX),
        environment=_texts(top.table("environment"), r".{1,60}"),
        false_fail_rate=_number(budget, "false_fail_rate", 1),
        false_pass_rate=_number(budget, "false_pass_rate", 1),
        rerolls=budget.whole("rerolls", least=1, most=_MANY),
        effect=budget.text("effect") if budget.has("effect") else "",
        students=budget.whole("students", least=1, most=_MANY),
        submissions=budget.whole("submissions", least=1, most=_MANY),
        end_to_end=_tally(top.table("end_to_end")),
        checks=tuple(_check(table) for table in _tables(top, "checks")),
        mutants=tuple(_mutant(table) for table in _tables(top, "mutants")),
        seconds={clean_line(test, 200): _number(table, test, 1e9) for table in [top.table("seconds")]
                 for test in table.names()},
    )  # fmt: skip


def _texts(table: Table, pattern: str) -> dict[str, str]:
    return {clean_line(name, 300): table.text(name, pattern=pattern, expected="text as we write it")
            for name in table.names()}  # fmt: skip


def _tables(table: Table, name: str) -> list[Table]:
    return table.tables(name) if table.has(name) else []


def _number(table: Table, name: str, most: float) -> float:
    """A number from 0 to `most`; required."""
    if not table.has(name):
        table.wrong(name, "a number", None)
        return 0.0
    return table.number(name, 0.0, above=_ZERO, most=most)


def _tally(table: Table) -> Tally:
    runs = table.whole("runs", least=1, most=_MANY)
    failed = table.whole("failed", least=0, most=runs)
    return Tally(runs, failed, table.whole("undecided", least=0, most=runs - failed))


def _draws(table: Table) -> Draws:
    return Draws(*(_number(table, name, _MANY) for name in ("mean", "median", "p99", "most")))


def _check(table: Table) -> CheckRecord:
    null, chance = table.table("null"), table.table("false_fail")
    return CheckRecord(
        name=table.text("check"),
        kind=table.choice("kind", ("law", "mean"), "law"),
        alpha=_number(table, "alpha", 1),
        beta=_number(table, "beta", 1),
        effect=_number(table, "effect", _MANY) if table.has("effect") else 0.0,
        floor=table.whole("floor", least=0, most=_MANY),
        cap=table.whole("cap", least=0, most=_MANY),
        null=_tally(null),
        draws=_draws(null.table("draws")),
        crossed=tuple((_number(one, "level", 1), _number(one, "share", 1)) for one in _tables(null, "crossed")),
        estimate=_number(chance, "estimate", 1),
        standard_error=_number(chance, "standard_error", 1),
        laws=tuple(
            Law(one.text("mistake"), _tally(one), _number(one, "distance", 1), _draws(one.table("draws")))
            for one in _tables(table, "laws")
        ),
        unnamed=tuple(
            Unnamed(
                one.text("where"), _number(one, "times", _MANY), tally, one.whole("by_floor", least=0, most=tally.runs)
            )
            for one in _tables(table, "unnamed")
            for tally in [_tally(one)]
        ),
    )


def _mutant(table: Table) -> MutantRecord:
    return MutantRecord(
        name=table.text("mutant"),
        caught_by=table.text("caught_by"),
        runs=table.whole("runs", least=1, most=_MANY),
        slipped=tuple(table.wholes("slipped", least=0, most=_MANY)),
        survived=tuple(table.wholes("survived", least=0, most=_MANY)),
    )
