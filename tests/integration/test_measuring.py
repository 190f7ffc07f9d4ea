"""A judge asks an engine over its worker, for real but for the engine: warm and cold, in every sandbox."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.domain.errors import Fault
from grader.domain.run import Assignment, RunResult, Version
from tests.awaiting import until
from tests.contract.sandboxed import left_by
from tests.fake_grader import assignment
from worker import supervisor
from worker.attempt import read_assignment
from worker.engine.errors import EngineError
from worker.sandbox import Sandbox
from worker.sandbox.bubblewrap import Bubblewrap
from worker.warm.pool import Warm

LABS = Path(__file__).parents[2] / "labs"
SPEC = """
import pytest

@pytest.mark.gpu
def test_one(impl, engine, handed_in, record_property):
    found = [engine.measure({"what": "baseline", "again": again})["number"] for again in (1, 1, 2)]
    record_property("found", found)
    record_property("versions", [[one.at, one.text] for one in handed_in("predictions.toml")])
    record_property("seen", impl.one())
"""
#: What a submission finds of an engine: devices, models, settings, a network, words on its input.
STARTER = """
import os
from pathlib import Path


def one():
    found = [path for path in os.listdir("/dev") if "nvidia" in path or "dri" in path]
    found += [name for name in os.environ if "GRADER" in name or "CUDA" in name]
    found += [name for name in os.listdir("/sys/class/net") if name != "lo"] if os.path.isdir("/sys/class/net") else []
    for folder, _, files in os.walk("/"):
        if folder.startswith(("/proc", "/sys")):
            continue
        found += [name for name in files if name.endswith(".safetensors")]
    try:
        found += os.read(0, 100).decode().split()
    except OSError:
        pass
    return found
"""
NUMBERS = [1, 1, 2]


class Counting:
    """Satisfies `Measurer`: its answers are numbered by what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[Any] = []
        self._error = error

    def measure(self, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> dict[str, Any]:
        """See `Measurer`."""
        assert left() > 0
        self.asked.append(asked["again"])
        if self._error is not None:
            raise self._error
        return {"number": asked["again"], "long": "x" * 200_000}


def work(spec: str = SPEC) -> Assignment:
    """A measured lab and a submission that looks around."""
    told = assignment(spec, starter=STARTER)
    files = 'submission = ["starter.py", "predictions.toml"]\nhistory = ["predictions.toml"]\nmeasured = true'
    manifest = told["manifest"].replace('submission = ["starter.py"]', files)
    manifest = manifest.replace("() -> int", "() -> list[str]")
    found = read_assignment({**told, "manifest": manifest})
    more = {"pytest.ini": (LABS / "pytest.ini").read_bytes(), "tiny/lab.toml": manifest.encode()}
    history = {
        "predictions.toml": (Version("2026-11-25T12:00:00+00:00", "a"), Version("2026-11-25T13:00:00+00:00", "ü"))
    }
    return replace(found, bundle={**found.bundle, **more}, history=history)


def run(sandbox: Sandbox, measurer: Counting, job: Assignment | None = None) -> RunResult:
    return supervisor.run(job or work(), sandbox, lambda event: None, measurer=measurer)


def properties(result: RunResult) -> dict[str, Any]:
    assert (result.fault, result.problem) == (None, "")
    (test,) = json.loads(result.report or b"")["tests"]
    assert test["outcome"] == "passed", test
    return {name: value for one in test["user_properties"] for name, value in one.items()}


def is_right(result: RunResult) -> None:
    told = properties(result)
    assert told["found"] == NUMBERS
    assert told["versions"] == [["2026-11-25T12:00:00+00:00", "a"], ["2026-11-25T13:00:00+00:00", "ü"]]
    assert told["seen"] == []


def test_a_cold_judge_asks_and_its_guest_sees_nothing_of_it(sandbox: Sandbox) -> None:
    measurer = Counting()
    is_right(run(sandbox, measurer))
    assert measurer.asked == [1, 2]  # each question once


def test_a_warm_judge_asks_in_one_job_after_the_other(sandbox: Sandbox) -> None:
    if "runsc" in sandbox.name and not os.environ.get("GRADER_TEST_RUNSC"):
        pytest.skip("docker+runsc: kept warm where GRADER_TEST_RUNSC is set")
    with Warm(sandbox, slots=1) as pool:
        pool.prepare(work())
        for _ in range(3):
            until(lambda: min(pool.waiting(work())) >= 1, 60)
            measurer = Counting()
            is_right(run(pool, measurer))
            assert measurer.asked == [1, 2]
    assert left_by(os.getpid()) == []


def test_a_judge_that_reads_the_spec_with_the_job_asks_too(sandbox: Sandbox) -> None:
    job = work(f"import os\nSEED = os.environ['LAB_SEED']\n{SPEC}")
    measurer = Counting()
    is_right(run(sandbox, measurer, job))
    assert measurer.asked == [1, 2]


@pytest.mark.bubblewrap
def test_a_run_that_nothing_can_be_measured_for_ends_in_words_and_leaves_nothing() -> None:
    sandbox = Bubblewrap()
    with Warm(sandbox, slots=1) as pool:
        pool.prepare(work())
        until(lambda: min(pool.waiting(work())) >= 1, 60)
        for place in (pool, sandbox):
            result = run(place, Counting(EngineError("the engine ended with exit code -9")))
            assert (result.fault, result.report) == (Fault.OPERATOR, None)
            assert "exit code -9" in result.problem
    assert left_by(os.getpid()) == []
