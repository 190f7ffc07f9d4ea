"""The pytest side: fixtures for specs, verdicts and diagnoses for reports, and a score table at the end of a run.

LAB_IMPL chooses the implementation: `solution` (default), `starter`, `mutant:<id>`, or the path of a Python file.
`guest` is the grading service's: the implementation then lives in another process. LAB_SEED chooses the inputs.
"""

import importlib.util
import json
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.contract import Implementation, InProcess, Transport, load_file
from labkit.expect import Expect
from labkit.explain import explain
from labkit.faults import StudentFault
from labkit.manifest import Manifest, read_manifest
from labkit.mutation import Matcher, load_mutants, mutated_module
from labkit.streams import spec_stream

DEFAULT_SEED = 8
LEFT_TO_PYTEST = (pytest.skip.Exception, pytest.fail.Exception, pytest.xfail.Exception)
MANIFESTS = pytest.StashKey[dict[Path, Manifest]]()
#: Set by the grading service: makes the transport of LAB_IMPL=guest for one test.
GUEST_TRANSPORT = pytest.StashKey[Callable[[Manifest, int], Transport]]()
#: Set to measure a lab: makes `Expect`, so that somebody can hear which laws a spec tests.
EXPECT = pytest.StashKey[Callable[..., Expect]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; the manifests are read once per run."""
    config.addinivalue_line("markers", "gpu: needs a CUDA device; skips by itself without one")
    for stage in range(1, 7):
        config.addinivalue_line("markers", f"stage{stage}: a step of a lab, in order (see its README)")
    config.addinivalue_line("markers", "stretch: beyond the lab; worth no points")
    config.stash[MANIFESTS] = {}


def manifest_of(config: pytest.Config, path: Path) -> Manifest | None:
    """The manifest beside the test file `path`, or None for a test outside a lab. Raises UsageError."""
    folder = path.parent
    if not (folder / "lab.toml").is_file():
        return None
    manifests = config.stash[MANIFESTS]
    if folder not in manifests:
        try:
            manifests[folder] = read_manifest(folder)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
    return manifests[folder]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its stage; refuse one that lab.toml does not list; skip what needs a GPU that is not here."""
    for item in items:
        manifest = manifest_of(config, item.path)
        if manifest is None:
            continue
        entry = manifest.entry(listed_name(item.nodeid))
        if entry is None:
            raise pytest.UsageError(f"{manifest.id}/lab.toml lists no [[tests]] entry for {listed_name(item.nodeid)}")
        if entry.stage:
            item.add_marker(f"stage{entry.stage}")
        if entry.stretch:
            item.add_marker("stretch")
        if item.get_closest_marker("gpu") and (reason := _no_gpu()):
            item.add_marker(pytest.mark.skip(reason=reason))


def listed_name(node: str) -> str:
    """A test as lab.toml lists it: what stands after the file in its node id."""
    return node.partition("::")[2]


def _no_gpu() -> str:
    if importlib.util.find_spec("torch") is None:
        return "needs a CUDA device: torch is not installed"
    torch = importlib.import_module("torch")
    return "" if torch.cuda.is_available() else "needs a CUDA device: torch sees none"


@pytest.fixture
def lab_impl() -> str:
    """Which implementation is under test."""
    return os.environ.get("LAB_IMPL", "solution")


@pytest.fixture
def lab_seed() -> int:
    """The seed of all inputs of this run."""
    return int(os.environ.get("LAB_SEED", DEFAULT_SEED))


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Manifest:
    """The lab the test belongs to."""
    manifest = manifest_of(request.config, request.path)
    assert manifest is not None, f"no lab.toml beside {request.path.name}"
    return manifest


@pytest.fixture
def impl(request: pytest.FixtureRequest, lab: Manifest, lab_impl: str, lab_seed: int) -> Implementation:
    """The implementation under test. It is loaded at the first call, so that a broken file fails the test itself."""
    if lab_impl == "guest":
        return Implementation(lab, request.config.stash[GUEST_TRANSPORT](lab, lab_seed))
    return Implementation(lab, InProcess(lambda: _load(lab, lab_impl), lab_seed))


def _load(lab: Manifest, name: str) -> Any:
    if name.startswith("mutant:"):
        wrong = next((m for m in load_mutants(lab.folder) if m.id == name.removeprefix("mutant:")), None)
        if wrong is None:
            raise pytest.UsageError(f"{lab.id} has no {name}")
        return mutated_module(lab.folder, wrong)
    if name.endswith(".py"):
        return load_file(Path(name))
    return load_file(lab.folder / f"{name}.py")


@pytest.fixture
def rng(request: pytest.FixtureRequest, lab_seed: int) -> np.random.Generator:
    """The spec's own random stream: the same for the same seed and test, whatever else runs."""
    return spec_stream(lab_seed, request.node.name)


@pytest.fixture
def expect(request: pytest.FixtureRequest, lab: Manifest, impl: Implementation, lab_seed: int) -> Expect:
    """The checks of this test; their measurements go into the report."""

    def record(check: dict[str, Any]) -> None:
        request.node.user_properties.append(("check", check))

    make = request.config.stash.get(EXPECT, Expect)
    return make(impl, lab, Matcher(lab), record, lab_seed)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Tell a submission's fault in the one failure text, and leave verdict and diagnosis in the report."""
    fault = call.excinfo.value if call.excinfo is not None else None
    manifest = manifest_of(item.config, item.path)
    diagnosis = None
    if manifest is not None and isinstance(fault, StudentFault):
        seed = getattr(item, "funcargs", {}).get("lab_seed", DEFAULT_SEED)
        diagnosis = explain(fault, manifest, listed_name(item.nodeid), seed)
        item.user_properties.append(("verdict", fault.verdict))
        item.user_properties.append(
            ("diagnosis", {"cause": diagnosis.cause, "hint": diagnosis.hint, "message": diagnosis.message})
        )
    elif fault is not None and not isinstance(fault, (AssertionError, *LEFT_TO_PYTEST)):
        item.user_properties.append(("verdict", "errored"))  # the spec broke: its author's fault, not the student's
    outcome = yield
    if diagnosis is not None:
        outcome.get_result().longrepr = diagnosis.message


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """A table of points per lab, and the same as JSON in .results/ for plots and questions."""
    if os.environ.get("LAB_IMPL", "solution") == "guest":
        return
    for manifest in config.stash[MANIFESTS].values():
        rows = _rows(terminalreporter, config, manifest)
        if not rows:
            continue
        _print_table(terminalreporter, manifest, rows)
        folder = config.rootpath / ".results"
        folder.mkdir(exist_ok=True)
        (folder / f"{manifest.id}.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _rows(terminalreporter: Any, config: pytest.Config, manifest: Manifest) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    where = (
        manifest.folder.relative_to(config.rootpath).as_posix()
        if manifest.folder.is_relative_to(config.rootpath)
        else ""
    )
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            file, _, name = getattr(report, "nodeid", "").partition("::")
            if not file.startswith(f"{where}/") or (outcome == "passed" and report.when != "call"):
                continue
            entry = manifest.entry(name)
            if entry is None:
                continue
            diagnosis = next((v for k, v in report.user_properties if k == "diagnosis"), {"cause": ""})
            earned = entry.points if outcome == "passed" else 0
            previous = rows.get(entry.name)
            if previous is None or earned <= previous["earned"]:
                rows[entry.name] = {
                    "test": entry.name,
                    "points": entry.points,
                    "earned": earned,
                    "outcome": outcome,
                    "seconds": round(report.duration, 4),
                    "diagnosis_id": diagnosis["cause"],
                }
    return [rows[name] for name in manifest.tests if name in rows]


def _print_table(terminalreporter: Any, manifest: Manifest, rows: list[dict[str, Any]]) -> None:
    terminalreporter.section(f"{manifest.short} · {manifest.title}")
    for row in rows:
        entry = manifest.tests[row["test"]]
        mark = {"passed": "✓", "skipped": "-"}.get(row["outcome"], "✗")
        points = "stretch" if entry.stretch else f"{row['earned']:>3}/{row['points']}"
        terminalreporter.write_line(f" {mark} {points:>7}  {entry.claim}")
    earned = sum(row["earned"] for row in rows)
    terminalreporter.write_line(f"   {earned:>3} of {manifest.max_score} points")
