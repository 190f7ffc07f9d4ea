"""A lab as its manifest, lab.toml, describes it: what a student hands in, which tests there are, what each is worth."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Self

from grader.domain.errors import BadManifest, Problem
from grader.domain.manifest import Table
from grader.domain.policy_table import check_policy

ISOLATIONS = ("split", "joined")
QUEUES = ("cpu", "gpu")
MOST_POINTS = 10_000
_ID = r"[a-z0-9-]{1,100}"
_NAME = r"[A-Za-z_]\w*"
_TEST = rf"({_NAME}::)*{_NAME}(\[.+\])?"
_FORBIDDEN_IN_PATH = re.compile(r'[\\:*?"<>|]')


@dataclass(frozen=True)
class TestSpec:
    """One listed test. `name` is what pytest prints after the file's `::`; parametrised cases are covered by it.

    `stage` counts from 1; `function` is where the hint lives; a stretch test has no points and never counts; a `long`
    one begins before others where tests run side by side; a `measured` one judges what a real engine did.
    """

    __test__: ClassVar[bool] = False  # not a test class, whatever its name says

    name: str
    points: int
    stage: int | None
    stretch: bool
    function: str | None
    claim: str
    long: bool = False
    measured: bool = False


@dataclass(frozen=True)
class LabLimits:
    """What a submission may use: `test_seconds` wall time of its code in one test, `run_seconds` for everything.

    `measure_seconds` is what a measurement may take beyond that, waiting for the engine included.
    """

    test_seconds: float
    run_seconds: float
    memory_mib: int
    processes: int
    scratch_mib: int
    measure_seconds: float = 900.0


@dataclass(frozen=True)
class Lab:
    """One lab. `false_fail_rate` is the budget of a whole submission, split evenly over `stochastic_checks`.

    `false_pass_rate` is that of one student whose programs all have the error `effect` describes, split evenly over
    `stochastic_checks` and `rerolls`, the programs they may try that differ in more than comments and layout.
    `submission` lists the student's files relative to the lab's folder; the first is what a lone file is taken for, and
    those in `optional` may be missing. Of those in `history` the spec is told every version that was handed in.
    `functions` maps each function of the contract to its signature and return type, as written. `policy` is the table
    of that name as written, which the rules of a course are read from: see `course_rules`. `independent`: no test
    depends on another, so that they may run side by side. Where nothing is `measured` there are no tests of
    measurements: the others share all points.
    """

    id: str
    title: str
    order: int
    queue: str
    isolation: str
    submission: tuple[str, ...]
    spec: str
    max_score: int
    limits: LabLimits
    false_fail_rate: float
    stochastic_checks: int
    functions: Mapping[str, str] = field(hash=False)
    tests: tuple[TestSpec, ...]
    policy: Mapping[str, Any] = field(default_factory=dict, hash=False)
    false_pass_rate: float = 1e-3
    rerolls: int = 100
    effect: str = ""
    independent: bool = False
    optional: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    measured: bool = False

    @classmethod
    def from_toml(cls, text: str, *, file: str) -> Self:
        """The lab that `text` describes. Raises BadManifest with every problem; `file` is how messages name it."""
        problems: list[Problem] = []
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadManifest(file, [Problem("", f"this is not TOML: {str(error)[:200]}")]) from None
        lab = cls._from_table(Table(data, "", problems))
        if problems:
            raise BadManifest(file, problems)
        lab = replace(lab, policy=MappingProxyType(data.get("policy", {})))
        return lab if lab.measured else replace(lab, tests=_without_measured(lab))

    @classmethod
    def _from_table(cls, top: Table) -> Self:
        isolation = top.choice("isolation", ISOLATIONS, "split")
        spec = top.text("spec", "test_lab.py", pattern=r".+\.py", expected="the relative path of a .py file")
        functions = _functions(top, required=isolation == "split")
        calibration = top.table("calibration")
        submission = _submission(top, spec)
        lab = cls(
            id=top.text("id", pattern=_ID, expected="lower-case letters, digits and hyphens"),
            title=top.text("title"),
            order=top.whole("order", least=1, most=10_000),
            queue=top.choice("queue", QUEUES, "cpu"),
            isolation=isolation,
            independent=top.flag("independent", False),
            submission=submission,
            spec=spec,
            max_score=top.whole("max_score", least=1, most=MOST_POINTS),
            limits=_limits(top.table("limits")),
            false_fail_rate=calibration.number("false_fail_rate", 1e-9, above=0, most=0.5),
            stochastic_checks=calibration.whole("stochastic_checks", 1, least=1, most=10_000),
            functions=MappingProxyType(functions),
            tests=_tests(top, functions),
            false_pass_rate=calibration.number("false_pass_rate", 1e-3, above=0, most=0.5),
            rerolls=calibration.whole("rerolls", 100, least=1, most=1_000_000),
            effect=calibration.text("effect") if calibration.has("effect") else "",
            optional=_some_of(top, "optional", submission[1:]),
            history=_some_of(top, "history", submission),
            measured=top.flag("measured", False),
        )
        calibration.refuse_unknown()
        check_policy(top.table("policy"), {test.name for test in lab.tests})
        top.refuse_unknown()
        _check_path(top, "spec", spec)
        _check_sum(top, lab)
        return lab

    def test(self, name: str) -> TestSpec | None:
        """The listed test that `name` is, or is a parametrised case of; None for any other."""
        return self._by_name.get(name) or self._by_name.get(name.partition("[")[0])

    @cached_property
    def _by_name(self) -> dict[str, TestSpec]:
        return {test.name: test for test in self.tests}


def _functions(top: Table, *, required: bool) -> dict[str, str]:
    table = top.table("functions")
    for name in table.names():
        if not re.fullmatch(_NAME, name):
            table.wrong(name, "the name of a function", name)
    functions = {name: table.text(name, expected="a signature and its return type") for name in table.names()}
    if required and not functions:
        top.wrong("functions", 'at least one function (only isolation = "joined" needs none)', None)
    return functions


def _limits(table: Table) -> LabLimits:
    limits = LabLimits(
        test_seconds=table.number("test_seconds", 10, above=0, most=86_400),
        run_seconds=table.number("run_seconds", 120, above=0, most=86_400),
        memory_mib=table.whole("memory_mib", 512, least=1, most=1_048_576),
        processes=table.whole("processes", 32, least=1, most=4_096),
        scratch_mib=table.whole("scratch_mib", 16, least=1, most=1_048_576),
        measure_seconds=table.number("measure_seconds", 900, above=0, most=86_400),
    )
    table.refuse_unknown()
    if limits.test_seconds > limits.run_seconds:
        table.wrong("test_seconds", f"at most run_seconds, {limits.run_seconds:g}", limits.test_seconds)
    return limits


def _submission(top: Table, spec: str) -> tuple[str, ...]:
    expected = "a list of the files a student hands in"
    files = top.texts("submission", expected)
    # A submission is laid over the lab's folder where the two are joined: it must not replace what judges it.
    ours = {spec, "lab.toml", "solution.py", "mutants.py", "hints.toml"}
    for file in files:
        _check_path(top, "submission", file)
        if file in ours or file.rpartition("/")[2] in ("conftest.py", "pytest.ini"):
            top.wrong("submission", "files that are the student's own", file)
    if len({file.casefold() for file in files}) < len(files):
        top.wrong("submission", "each file once, whatever its case", files)
    return tuple(files)


def _some_of(top: Table, name: str, files: Sequence[str]) -> tuple[str, ...]:
    """The list `name`, if there is one, of files of the submission that it may hold."""
    found = top.texts(name, "a list of files that are in submission") if top.has(name) else []
    for file in found:
        if file not in files:
            top.wrong(name, f"some of {', '.join(files) or 'no file at all'}", file)
    return tuple(found)


def _check_path(top: Table, name: str, path: str) -> None:
    if not path:
        return  # already told
    if any(part in ("", ".", "..") for part in path.split("/")) or _FORBIDDEN_IN_PATH.search(path):
        top.wrong(name, "a relative path with / between folders and no ..", path)


def _tests(top: Table, functions: Mapping[str, str]) -> tuple[TestSpec, ...]:
    tables = top.tables("tests")
    tests = tuple(_test(table, functions) for table in tables)
    first: dict[str, int] = {}
    for i, (table, test) in enumerate(zip(tables, tests, strict=True), start=1):
        if test.name and first.setdefault(test.name, i) != i:
            table.wrong("name", f"a name of its own (tests[{first[test.name]}] has it too)", test.name)
    return tests


def _test(table: Table, functions: Mapping[str, str]) -> TestSpec:
    stretch = table.flag("stretch", False)
    points = table.whole("points", 0 if stretch else None, least=0, most=MOST_POINTS)
    if stretch and points:
        table.wrong("points", "0, because a stretch test never counts", points)
    function = table.text("function") if table.has("function") else None
    if function and function not in functions:
        table.wrong("function", f"one of [functions] ({_listed(functions)})", function)
    test = TestSpec(
        name=table.text("name", pattern=_TEST, expected="what pytest prints after the file's ::"),
        points=points,
        stage=table.whole("stage", least=1, most=100) if table.has("stage") else None,
        stretch=stretch,
        function=function or None,
        claim=table.text("claim"),
        long=table.flag("long", False),
        measured=table.flag("measured", False),
    )
    table.refuse_unknown()
    return test


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(list(names)[:10]) or "there are none"


def _without_measured(lab: Lab) -> tuple[TestSpec, ...]:
    """The other tests, among whom all points are shared in proportion: the largest remainders are rounded up."""
    kept = [test for test in lab.tests if not test.measured]
    total = sum(test.points for test in kept)
    if not total or len(kept) == len(lab.tests):
        return tuple(kept)
    shares = [divmod(test.points * lab.max_score, total) for test in kept]
    left = lab.max_score - sum(whole for whole, _ in shares)
    rounded_up = sorted(range(len(kept)), key=lambda place: -shares[place][1])[:left]
    return tuple(replace(test, points=shares[place][0] + (place in rounded_up)) for place, test in enumerate(kept))


def _check_sum(top: Table, lab: Lab) -> None:
    if any(problem.key == "max_score" or problem.key.startswith("tests") for problem in top.problems):
        return  # a sum over wrong points says nothing
    required = sum(test.points for test in lab.tests if not test.stretch)
    if lab.max_score != required:
        top.wrong("max_score", f"{required}, the sum of the required tests' points", lab.max_score)
