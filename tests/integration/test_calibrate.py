"""A lab is measured in the sandbox, the record stays beside it, and whoever teaches hears when it no longer holds."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.domain.calibrating import record_of
from grader.domain.calibration import digests, read_record
from grader.domain.course import Spec
from grader.steps import courses
from grader.steps.courses import spec_of
from tests.awaiting import until
from tests.contract.sandboxed import left_by
from tests.fakes import TOY
from tests.integration.site import Desk
from tests.signals import send_past_main
from tests.unit.test_calibration import part

ROOT = Path(__file__).parents[2]
MANIFEST = """
id = "lab-01-coin"
title = "A fair coin"
order = 1
submission = ["starter.py"]
max_score = 10
[functions]
flip = "(rng) -> int"
[[tests]]
name = "test_flip"
points = 10
function = "flip"
claim = "heads come half of the time"
"""
SPEC = """
import numpy as np
from labkit.laws import Design


def test_flip(expect, impl, rng):
    named = {"biased": np.array([[0.3, 0.7]])}
    design = Design(np.array([[0.5, 0.5]]), ["flip(rng)"], ["tails", "heads"], named, floor=512, cap=2048)
    draw = lambda contexts: np.array(impl.batch("flip", [(rng,)] * len(contexts)))
    expect.law("law of flip", "flip", design, draw, rng)
"""
MUTANTS = """
from labkit.mutation import mutant
@mutant("biased", "flip", says="heads come too often", caught_by="test_flip")
def flip_biased(rng):
    return int(rng.random() < 0.7)
"""


def coin_lab(folder: Path, solution: str = "def flip(rng):\n    return int(rng.random() < 0.5)\n") -> Path:
    """A course with one lab, whose only test is of a law: the lab's folder."""
    lab = folder / "phase/labs/lab-01-coin"
    lab.mkdir(parents=True)
    shutil.copy(ROOT / "labs/pytest.ini", folder)
    shutil.copytree(ROOT / "labs/labkit", folder / "labkit", ignore=shutil.ignore_patterns("__pycache__"))
    starter = "def flip(rng):\n    raise NotImplementedError\n"
    files = {"lab.toml": MANIFEST, "test_lab.py": SPEC, "solution.py": solution, "starter.py": starter,
             "mutants.py": MUTANTS}  # fmt: skip
    for name, text in files.items():
        (lab / name).write_text(text, encoding="utf-8")
    return lab


def grader(course: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on that course."""
    process = begun(course, *words)
    out, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def begun(course: Path, *words: str) -> "subprocess.Popen[str]":
    """Start the command on that course."""
    settings = {**os.environ, "GRADER_LABS": str(course), "GRADER_HOME": str(course / ".home"), "COLUMNS": "200",
                "GRADER_SANDBOX": "bubblewrap"}  # fmt: skip
    command = [sys.executable, "-m", "grader", *words]
    return subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.bubblewrap
def test_a_lab_is_measured_and_check_lab_says_when_that_no_longer_holds(tmp_path: Path) -> None:
    lab = coin_lab(tmp_path)
    before = grader(tmp_path, "check-lab", "lab-01", "--seeds", "2")
    assert before.returncode == 0, before.stdout + before.stderr
    assert "there is no calibration record: run `grader calibrate lab-01`" in before.stdout

    run = grader(tmp_path, "calibrate", "lab-01", "--seeds", "2", "--runs", "300", "--first-seed", "5")
    assert run.returncode == 0, run.stdout + run.stderr
    record = read_record((lab / "calibration.json").read_text(encoding="utf-8"))
    (check,) = record.checks
    assert (check.name, check.null.runs, check.null.failed) == ("law of flip", 300, 0)
    assert [(law.mistake, law.tally.failed_share) for law in check.laws] == [("biased", 1.0)]
    assert 0 < check.estimate <= 1e-9
    assert [(m.name, m.runs, m.survived) for m in record.mutants] == [("biased", 2, ())]
    assert set(record.seconds) == {"test_flip"}

    now = grader(tmp_path, "check-lab", "lab-01", "--seeds", "2")
    assert (now.returncode, "!" in now.stdout) == (0, False), now.stdout
    (lab / "test_lab.py").write_text(f"{SPEC}\n# changed\n", encoding="utf-8")
    later = grader(tmp_path, "check-lab", "lab-01", "--seeds", "2")
    assert later.returncode == 0
    assert "! test_lab.py has changed since: run `grader calibrate lab-01`" in later.stdout


@pytest.mark.bubblewrap
def test_the_record_is_printed_for_programs(tmp_path: Path) -> None:
    lab = coin_lab(tmp_path)
    run = grader(tmp_path, "calibrate", "--all", "--json", "--seeds", "1", "--runs", "20")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == json.loads((lab / "calibration.json").read_text(encoding="utf-8"))


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("solution", "spec", "told"),
    [
        ("def flip(rng):\n    return 1\n", SPEC, "the solution fails test_flip at seed 5"),
        ("def flip(rng):\n    return 1\n", "import nothing_of_that_name", "the spec did not run"),
    ],
)
def test_a_lab_that_is_not_sound_is_not_measured(tmp_path: Path, solution: str, spec: str, told: str) -> None:
    lab = coin_lab(tmp_path, solution)
    (lab / "test_lab.py").write_text(spec, encoding="utf-8")
    run = grader(tmp_path, "calibrate", "lab-01", "--seeds", "1", "--runs", "20", "--first-seed", "5")
    assert run.returncode == 1
    assert told in run.stderr
    assert not (lab / "calibration.json").exists()


def children(pid: int) -> list[str]:
    """The processes that it started and that are there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1] == str(pid):
                found.append(folder.name)
    return found


@pytest.mark.bubblewrap
@pytest.mark.parametrize("command", ["calibrate", "check-lab"])
def test_whoever_interrupts_does_not_wait_for_the_rest(tmp_path: Path, command: str) -> None:
    coin_lab(tmp_path, "import time\ndef flip(rng):\n    time.sleep(600)\n")
    process = begun(tmp_path, command, "lab-01", "--seeds", "8")
    watcher, judges = 1, min(8, os.cpu_count() or 1)
    until(lambda: len(children(process.pid)) == watcher + judges)
    send_past_main(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=40)
    assert process.returncode == 130, out + errors
    assert "Traceback" not in out + errors
    until(lambda: left_by(process.pid) == [])  # its watcher clears up what it was just making


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def page(desk: Desk, login: str) -> str:
    """What a reader of the lab's page reads, on one line."""
    answer: Any = desk.browser(login).get("/c/toy/labs/toy-1")
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def measured(spec: Spec) -> str:
    """A record of the toy lab."""
    return json.dumps(record_of(spec.lab, spec.digest, digests(spec.bundle), [part()], made="2026-01-02"))


BUDGET = "By bad luck, a correct submission fails at most once in 1,000,000,000."


def test_a_labs_page_says_what_is_known_of_its_verdicts(desk: Desk) -> None:
    spec = spec_of(CourseFolder(TOY).find("toy-1"))
    assert "Nobody has measured this lab. there is no calibration record: run `grader calibrate toy-1`" in page(
        desk, "gina"
    )
    assert BUDGET in page(desk, "amy")
    assert "calibrat" not in page(desk, "amy")

    desk.store.courses.put_lab("toy", spec, measured(spec))
    assert "How sure its verdicts are The solution passed at 4 of 4 seeds." in page(desk, "gina")
    assert "no longer hold" not in page(desk, "gina")
    assert BUDGET in page(desk, "amy")
    assert "How sure" not in page(desk, "amy")


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1, "lab": "<script>"}', "\ufffd" * 100])
def test_a_record_that_cannot_be_read_spoils_no_page(desk: Desk, text: str) -> None:
    desk.store.courses.put_lab("toy", spec_of(CourseFolder(TOY).find("toy-1")), text)
    assert "calibration.json" in page(desk, "gina")
    assert BUDGET in page(desk, "amy")


def test_a_sync_brings_the_record_and_warns_of_one_that_does_not_hold(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    courses.sync_course(desk.service, "toy")
    assert "lab toy-1 of toy: there is no calibration record: run `grader calibrate toy-1`" in caplog.text
    caplog.clear()
    shutil.copytree(TOY, tmp_path / "course")
    folder = CourseFolder(tmp_path / "course").find("toy-1")
    folder.keep_calibration(measured(spec_of(folder)))
    courses.init_course(desk.service, "toy", "Toys", str(tmp_path / "course"))
    assert desk.store.courses.calibration("toy", "toy-1") == measured(spec_of(folder))
    assert caplog.text == ""
