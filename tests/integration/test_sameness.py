"""The same bytes get the same verdict: in one process, in every sandbox, and through the service."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.domain.report import Report, read_report
from grader.domain.run import Assignment
from grader.domain.submission import Submission
from tests.fake_grader import assignment
from tests.workbench import Workbench
from worker import supervisor
from worker.attempt import read_assignment
from worker.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
LABS = ROOT / "labs"
FOLDER = CourseFolder(LABS).find("lab-04")
LAB = LABS / FOLDER.path
#: Draws until a law is settled, so it has the most to vary.
STOCHASTIC = "test_simulate_follows_the_law"
SEED = 5_678_901_234_567_890
HALF_RIGHT = (LAB / "examples/half_right.py").read_bytes()
RIGHT = (LAB / "solution.py").read_bytes()
WRONG = RIGHT.replace(
    b"def simulate(",
    b"def simulate(alpha, k, cycles, rng):\n    return fair(alpha * 0.97, k, cycles, rng)\n\n\ndef fair(",
)


def settled(report: Report) -> Report:
    """A report without the times of day it was made at."""
    return replace(report, tests=tuple(replace(test, duration_s=0.0, used_s=None) for test in report.tests))


#: What nobody gave a seed: here, and in a process that the submission forks, which must not repeat it.
GLOBAL_GENERATORS = """\
import os, random
import numpy as np

def one():
    here, (hear, tell) = [random.random(), float(np.random.random())], os.pipe()
    if os.fork() == 0:
        os.write(tell, str(random.random()).encode())
        os._exit(0)
    os.wait()
    return [*here, random.random(), float(os.read(hear, 99))]
"""
DRAWING = """\
def test_one(impl, record_property):
    record_property("drawn", impl.one())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "repeats", "verdict"), [(RIGHT, 1000, "passed"), (WRONG, 200, "failed")])
def test_a_thousand_runs_of_a_stochastic_test_end_alike(
    tmp_path: Path, answer: bytes, repeats: int, verdict: str
) -> None:
    submission, told = tmp_path / "answer.py", tmp_path / "told.json"
    submission.write_bytes(answer)
    asked = {"LAB_IMPL": submission, "LAB_SEED": SEED, "REPEATS": repeats, "REPEATED": told}
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{LABS}", **{name: str(value) for name, value in asked.items()}}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.repeating"]
    where = ["-c", str(LABS / "pytest.ini"), "--rootdir", str(LABS), f"{LAB}/test_lab.py::{STOCHASTIC}"]
    done = subprocess.run([*command, *where], env=env, capture_output=True, text=True, timeout=300, check=False)
    assert told.is_file(), done.stdout + done.stderr
    ((way, times),) = json.loads(told.read_text(encoding="utf-8"))[STOCHASTIC].items()
    assert times == repeats
    phases, properties = json.loads(way)
    assert [outcome for _, outcome, _ in phases] == ["passed", verdict, "passed"]
    assert any(key == "check" and check["false_fail_rate"] > 0 for key, check in properties)


@pytest.mark.parametrize("answer", [RIGHT, HALF_RIGHT], ids=["right", "half right"])
def test_five_runs_in_a_sandbox_end_alike(sandbox: Sandbox, answer: bytes) -> None:
    work = Assignment(FOLDER.lab, FOLDER.bundle(), FOLDER.path, Submission({"starter.py": answer}), SEED)
    runs = [supervisor.run(work, sandbox, lambda event: None) for _ in range(5)]
    first, *others = [settled(read_report(run.report, FOLDER.lab)) for run in runs]
    assert any(check.false_fail_rate for test in first.tests for check in test.checks)
    assert others == [first] * 4


def test_global_generators_draw_the_same_in_every_test_and_run(sandbox: Sandbox) -> None:
    told = assignment(DRAWING, starter=GLOBAL_GENERATORS)
    told["manifest"] = told["manifest"].replace("() -> int", "() -> list[float]")
    work = read_assignment(told)
    more = {"pytest.ini": (LABS / "pytest.ini").read_bytes(), "tiny/lab.toml": told["manifest"].encode()}
    work = replace(work, bundle={**work.bundle, **more})
    drawn = []
    for _ in range(3):
        run = supervisor.run(work, sandbox, lambda event: None)
        assert run.report is not None, run.problem
        for test in json.loads(run.report)["tests"]:
            assert test["outcome"] == "passed", test
            drawn += [value for one in test["user_properties"] for key, value in one.items() if key == "drawn"]
    assert len(drawn) == 3
    assert len({tuple(values[:3]) for values in drawn}) == 1
    assert len({values[3] for values in drawn} - {values[2] for values in drawn}) == 3


def test_a_comment_changes_neither_seed_nor_verdict_and_another_program_has_inputs_of_its_own(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    bench = Workbench(tmp_path, LABS, sandbox)
    views = [
        bench.graded(FOLDER.lab.id, answer)
        for answer in (HALF_RIGHT, b"# a thought\n" + HALF_RIGHT + b"\n# another\n", HALF_RIGHT + b"\nspare = 1\n")
    ]
    bench.store.close()
    first, commented, changed = views
    assert None not in (first.report, commented.report, changed.report)
    assert commented.handin.digest != first.handin.digest
    assert commented.job.seed == first.job.seed != changed.job.seed
    assert settled(commented.report) == settled(first.report) != settled(changed.report)  # type: ignore[arg-type]
    assert commented.score == first.score == changed.score
    assert [view.programs for view in views] == [1, 1, 2]
