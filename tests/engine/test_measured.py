"""Lab-02 with its measured part, graded on real vLLM: what no machine's load can change is held to exactly."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.domain.lab import Lab
from grader.domain.run import Assignment, RunResult, Version
from grader.domain.submission import Submission
from tests.engine.vllm import python
from worker import supervisor
from worker.engine import checkup
from worker.engine.engines import Engines
from worker.engine.models import Place
from worker.engine.profiles import PROFILES
from worker.sandbox.bubblewrap import Bubblewrap

LABS = Path(__file__).parents[2] / "labs"
pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.bubblewrap]
#: Of each k, what a bfloat16 that is summed in another order does not leave.
LENGTHS = {1: (1.8, 2.0), 3: (2.8, 3.6), 5: (3.6, 4.9)}
SCORED = ("test_speedup", "test_acceptance_length", "test_best_k", "test_crossing_measured")


@dataclass
class Recorder:
    """Satisfies `Measurer`: an engine, and what it answered."""

    engines: Engines
    told: list[dict[str, Any]] = field(default_factory=list)

    def measure(self, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> dict[str, Any]:
        """See `Measurer`."""
        self.told.append(self.engines.measure(asked, left, on_wait))
        return self.told[-1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(python(), tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def recorder(place: Place) -> Iterator[Recorder]:
    with Engines(PROFILES["inflated-cpu"], place) as engines:
        yield Recorder(engines)


def handed_in(*versions: str) -> Assignment:
    """The course's solution with these predictions, the last of them now."""
    folder = CourseFolder(LABS).find("lab-02")
    manifest = (LABS / folder.path / "lab.toml").read_text(encoding="utf-8")
    manifest = manifest.replace("measured = false", "measured = true", 1)
    bundle = {**folder.bundle(), f"{folder.path}/lab.toml": manifest.encode()}
    solution = (LABS / folder.path / "solution.py").read_bytes()
    submission = Submission({"starter.py": solution, "predictions.toml": versions[-1].encode()})
    history = tuple(Version(f"2026-11-25T12:0{i}:00+00:00", text) for i, text in enumerate(versions))
    lab = Lab.from_toml(manifest, file="lab.toml")
    return Assignment(lab, bundle, folder.path, submission, 7, history={"predictions.toml": history})


def predictions(*, final: bool) -> str:
    [folder] = LABS.glob("*/labs/lab-02-*")
    told = (folder / "examples" / "predictions.toml").read_text(encoding="utf-8")
    said = f"final = {str(final).lower()}"
    return said + told.removeprefix("final = true").removeprefix("final = false")


def judged(result: RunResult) -> dict[str, dict[str, Any]]:
    """Each test's outcome and properties, by name."""
    assert (result.fault, result.problem) == (None, "")
    return {
        test["nodeid"].partition("::")[2]: {"outcome": test["outcome"]}
        | {name: value for one in test["user_properties"] for name, value in one.items()}
        for test in json.loads(result.report or b"")["tests"]
    }


def test_predictions_are_sealed_before_anything_but_the_baseline_is_seen(recorder: Recorder) -> None:
    work = handed_in(predictions(final=False))
    found = judged(supervisor.run(work, Bubblewrap(), lambda event: None, measurer=recorder))
    (baseline,) = recorder.told
    assert set(baseline["baseline"]) == {"1", "8", "32"}
    assert "runs" not in baseline
    failed = {name for name, test in found.items() if test["outcome"] != "passed"}
    assert failed == {"test_run_is_valid", *SCORED}
    assert {found[name]["diagnosis"]["cause"] for name in failed} == {"not-final"}
    assert found["test_run_is_valid"]["measured"]["baseline"] == baseline["baseline"]


def test_final_predictions_are_held_against_a_whole_measurement(recorder: Recorder) -> None:
    recorder.told.clear()
    work = handed_in(predictions(final=False), predictions(final=True))
    found = judged(supervisor.run(work, Bubblewrap(), lambda event: None, measurer=recorder))
    (told,) = recorder.told  # one measurement, whichever tests ask for it
    assert (told["profile"], told["by"]) == ("inflated-cpu", "cpu")
    runs = {(one["k"], one["batch"]): one for one in told["runs"]}
    assert list(runs) == [(1, 1), (3, 1), (5, 1), (3, 8), (3, 32)]
    for (k, _), one in runs.items():
        assert (one["agreement"], one["flaws"]) == (1.0, [])
        assert LENGTHS[k][0] <= one["acceptance_length"] <= LENGTHS[k][1]
        assert min(one["speedup"], one["tpot_ms"], one["itl_ms"]) > 0
    # a busy machine may leave times that settle nothing; a length it cannot change
    assert all(test.get("verdict") != "errored" for test in found.values())
    length = found["test_acceptance_length"]
    assert length["outcome"] == "passed" or length["verdict"] == "inconclusive"
    assert length.get("share", 1.0) == 1.0
    assert all(
        test["outcome"] == "passed" for name, test in found.items() if name not in ("test_run_is_valid", *SCORED)
    )


def test_a_killed_engine_is_there_again_and_nothing_is_made_twice(recorder: Recorder, place: Place) -> None:
    first = recorder.engines.measure({"what": "baseline"}, lambda: 900.0)
    made = {path: path.stat().st_mtime_ns for path in place.home.glob("inflated-*/*")}
    recorder.engines._loaded[0].close()
    again = recorder.engines.measure({"what": "baseline"}, lambda: 900.0)
    assert again["identity"] == first["identity"]
    assert {path: path.stat().st_mtime_ns for path in place.home.glob("inflated-*/*")} == made != {}


def test_the_doctor_finds_all_that_is_needed(place: Place) -> None:
    assert all(one.works for one in checkup.examine(PROFILES["inflated-cpu"], place))
