"""The pytest side: fixtures for specs, verdicts and diagnoses for reports, and a score table at the end of a run.

LAB_IMPL chooses the implementation: `solution` (default), `starter`, `mutant:<id>`, or the path of a Python file.
`guest` is the grading service's: the implementation then lives in another process. LAB_SEED chooses the inputs.

A test may leave two properties in the report (pytest's `record_property`): `share`, what part of its points a pass
earns, and `measured`, what an engine did.
"""

import copy
import importlib.util
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit import points
from labkit.contract import Implementation, InProcess, Transport, load_file
from labkit.expect import Expect
from labkit.explain import explain
from labkit.faults import StudentFault
from labkit.manifest import Manifest, read_manifest
from labkit.mutation import Matcher, load_mutants, mutated_module
from labkit.sealing import Version
from labkit.streams import spec_stream

DEFAULT_SEED = 8
LEFT_TO_PYTEST = (pytest.skip.Exception, pytest.fail.Exception, pytest.xfail.Exception)
MANIFESTS = pytest.StashKey[dict[Path, Manifest]]()
#: Set by the grading service: makes the transport of LAB_IMPL=guest for one test.
GUEST_TRANSPORT = pytest.StashKey[Callable[[Manifest, int], Transport]]()
#: Set to measure a lab: makes `Expect`, so that somebody can hear which laws a spec tests.
EXPECT = pytest.StashKey[Callable[..., Expect]]()
#: Set by the grading service: of each file in the lab's `history`, what was handed in, oldest first: {"at", "text"}.
HISTORY = pytest.StashKey[Mapping[str, Sequence[Mapping[str, str]]]]()
#: Set by the grading service where an engine measures: what is asked of it, and its answer.
ENGINE = pytest.StashKey[Callable[[dict[str, Any]], dict[str, Any]]]()
#: Why a test is skipped at home that judges a real engine's run.
NOT_HERE = "this course measures nothing: its lab.toml says measured = false"
MEASURED_THERE = "; the grading service measures, on an engine of its own, what you hand in"
_ANSWERS = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; the manifests are read once per run."""
    config.addinivalue_line("markers", "gpu: needs an engine or a CUDA device; skips by itself without one")
    for stage in range(1, 7):
        config.addinivalue_line("markers", f"stage{stage}: a step of a lab, in order (see its README)")
    config.addinivalue_line("markers", "stretch: beyond the lab; worth no points")
    config.stash[MANIFESTS] = {}
    config.stash[_ANSWERS] = {}


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
    """Mark each test with its stage; refuse one that lab.toml does not list; leave out what nobody measures here."""
    left_out = []
    for item in items:
        manifest = manifest_of(config, item.path)
        if manifest is None:
            continue
        name = listed_name(item.nodeid)
        if name.partition("[")[0] in manifest.left_out:
            left_out.append(item)
            continue
        entry = manifest.entry(name)
        if entry is None:
            raise pytest.UsageError(f"{manifest.id}/lab.toml lists no [[tests]] entry for {name}")
        if entry.stage:
            item.add_marker(f"stage{entry.stage}")
        if entry.stretch:
            item.add_marker("stretch")
    if left_out and GUEST_TRANSPORT in config.stash:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in left_out:
        item.add_marker(pytest.mark.skip(reason=NOT_HERE))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs an engine or a GPU that is not here. Not before: the service brings its engine with the job."""
    if item.get_closest_marker("gpu") and ENGINE not in item.config.stash:
        no_gpu, measures = _no_gpu(), "engine" in getattr(item, "fixturenames", ())
        if measures or no_gpu:
            pytest.skip(f"{no_gpu or 'needs an engine'}{MEASURED_THERE if measures else ''}")


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


@pytest.fixture
def handed_in(request: pytest.FixtureRequest, lab: Manifest, lab_impl: str) -> Callable[[str], list[Version]]:
    """Every version of a file in the lab's `history` that was handed in, oldest first; at home the one that is there.

    There that is the file beside the implementation, and beside the course's own answers the one in examples/.
    """

    def versions(name: str) -> list[Version]:
        assert name in lab.history, f"{lab.id}/lab.toml names no {name} in history"
        if lab_impl == "guest":
            known = request.config.stash.get(HISTORY, {})
            return [Version(one["at"], one["text"]) for one in known.get(name, ())]
        file = _folder_of(lab, lab_impl) / name
        if not file.is_file():
            return []
        at = datetime.fromtimestamp(int(file.stat().st_mtime), UTC).isoformat()
        return [Version(at, file.read_text(encoding="utf-8", errors="replace"))]

    return versions


def _folder_of(lab: Manifest, impl: str) -> Path:
    """Where an implementation's other files are."""
    if impl == "solution" or impl.startswith("mutant:"):
        return lab.folder / "examples"
    return Path(impl).parent if impl.endswith(".py") else lab.folder


class Engine:
    """What measures. The same question is asked once in a run, whichever test asks it first."""

    def __init__(self, ask: Callable[[dict[str, Any]], dict[str, Any]], answers: dict[str, dict[str, Any]]) -> None:
        self._ask = ask
        self._answers = answers

    def measure(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The engine's answer: see the spec for what is asked and what comes back."""
        key = json.dumps(asked, sort_keys=True)
        if key not in self._answers:
            self._answers[key] = self._ask(dict(asked))
        return copy.deepcopy(self._answers[key])


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """The grading service's engine; a test that asks for it is marked `gpu`, and runs nowhere else."""
    return Engine(request.config.stash[ENGINE], request.config.stash[_ANSWERS])


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
        rows = points.rows(terminalreporter, config.rootpath, manifest)
        if not rows:
            continue
        points.print_table(terminalreporter, manifest, rows)
        folder = config.rootpath / ".results"
        folder.mkdir(exist_ok=True)
        (folder / f"{manifest.id}.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
