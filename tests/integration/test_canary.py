"""A submission that misbehaves and a machine that does, told apart by the course's own solution, in a real sandbox."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.domain.errors import Fault
from grader.domain.job import Ending, JobRules, JobState
from grader.domain.report import Verdict
from tests.courses.copies import ANSWERS, LAB, toy_course
from tests.workbench import Workbench
from worker.sandbox import Sandbox

FINE = "the course's own solution ran this test on the same machine in "
RIGHT = ANSWERS[10].format(note="right").encode()
LOOPS = b"def double(x): return 2.0 * x\ndef total(items):\n    while True: pass\n"
DIES = b"import os\ndef double(x): return 2.0 * x\ndef total(items): os._exit(3)\n"
HOARDS = b"def double(x): return 2.0 * x\ndef total(items):\n    import ctypes\n    ctypes.string_at(0)\n"
#: A solution that the machine is too slow for, whatever the machine.
SLOW = """\
import time
def double(x): return 2.0 * x
def total(items):
    time.sleep({seconds})
    return float(sum(items))
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The toy course, whose tests have two seconds."""
    folder = toy_course(tmp_path / "course")
    change(folder, "lab.toml", "test_seconds = 10", "test_seconds = 2")
    return folder


@pytest.fixture
def bench(tmp_path: Path, course: Path, sandbox: Sandbox) -> Iterator[Workbench]:
    """The course as it is."""
    one = Workbench(tmp_path, course, sandbox)
    yield one
    one.store.close()


def change(course: Path, name: str, old: str, new: str) -> None:
    """Edit one file of the lab."""
    file = course / LAB / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_run_that_ends_by_itself_starts_no_canary(bench: Workbench) -> None:
    for points in ANSWERS:
        bench.graded("toy-1", ANSWERS[points].format(note="no canary").encode())
    assert [run.canary for run in bench.runs] == [None] * len(ANSWERS)


@pytest.mark.parametrize(
    ("answer", "verdict"), [(LOOPS, Verdict.TIMED_OUT), (DIES, Verdict.CRASHED), (HOARDS, Verdict.CRASHED)]
)
def test_what_the_solution_does_with_ease_is_the_students_and_said_so(
    bench: Workbench, answer: bytes, verdict: Verdict
) -> None:
    view = bench.graded("toy-1", answer)
    assert view.report is not None and view.score is not None
    assert (view.report.of("test_total").verdict, view.score.points) == (verdict, 6)
    (finding,) = view.findings
    assert finding.fault is Fault.STUDENT
    assert FINE in " ".join(finding.message.split())


def test_a_machine_that_is_too_slow_costs_nothing_is_tried_again_and_then_alarms(
    tmp_path: Path, course: Path, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    (course / LAB / "solution.py").write_text(SLOW.format(seconds=5), encoding="utf-8")
    bench = Workbench(tmp_path, course, sandbox, JobRules(max_attempts=2))
    job = bench.hand_in("toy-1", LOOPS)
    words = "test_total: the course's own solution ran out of the 2 s of this test on the same machine too"
    assert job.max_attempts == 2
    for _ in range(job.max_attempts - 1):
        assert bench.attempt(job) is JobState.QUEUED
        told = bench.store.jobs.events(job.id)[-1]
        assert (told.kind, told.data["fault"]) == ("requeued", "operator")
        assert told.data["problem"].startswith(words)
    with caplog.at_level(logging.ERROR):
        assert bench.attempt(job) is JobState.DEAD
    assert any(words in record.getMessage() for record in caplog.records)
    view = bench.view(job)
    assert (view.score, view.job.fault) == (None, Fault.OPERATOR)
    assert view.job.problem.startswith(words)
    assert {attempt.ending for attempt in view.attempts} == {Ending.GIVEN_BACK}
    assert bench.store.operations.figures(bench.service.clock()).given_up == 1
    bench.store.close()


def test_a_solution_that_just_about_makes_it_leaves_no_room_for_a_verdict(
    tmp_path: Path, course: Path, sandbox: Sandbox
) -> None:
    (course / LAB / "solution.py").write_text(SLOW.format(seconds=1.2), encoding="utf-8")
    bench = Workbench(tmp_path, course, sandbox)
    job = bench.hand_in("toy-1", LOOPS)
    assert bench.attempt(job) is JobState.QUEUED
    told = bench.store.jobs.events(job.id)[-1].data
    assert told["fault"] == "operator" and "of the 2 s of this test on the same machine" in told["problem"]
    assert bench.graded("toy-1", RIGHT).job.points == 10  # what ends by itself is graded on any machine
    bench.store.close()


def test_a_lab_without_a_solution_says_that_nobody_looked(tmp_path: Path, course: Path, sandbox: Sandbox) -> None:
    (course / LAB / "solution.py").unlink()
    bench = Workbench(tmp_path, course, sandbox)
    (finding,) = bench.graded("toy-1", DIES).findings
    assert finding.fault is Fault.STUDENT
    assert "this lab is graded without one" in " ".join(finding.message.split())
    bench.store.close()


def test_a_spec_that_breaks_on_one_answer_is_its_authors_to_mend(
    tmp_path: Path, course: Path, sandbox: Sandbox
) -> None:
    change(course, "test_lab.py", "def test_total(expect, rng):\n", "def test_total(expect, rng, impl):\n"
           "    {True: 1}[impl.total([1.0]) == 1.0]\n")  # fmt: skip
    bench = Workbench(tmp_path, course, sandbox)
    (finding,) = bench.graded("toy-1", ANSWERS[6].format(note="wrong").encode()).findings
    assert (finding.verdict, finding.fault) == (Verdict.ERRORED, Fault.LAB_AUTHOR)
    assert "the test breaks on your answer" in finding.message
    bench.store.close()


def test_a_result_that_the_submission_alone_lacks_is_tried_again(
    tmp_path: Path, course: Path, sandbox: Sandbox
) -> None:
    change(course, "test_lab.py", "def test_total(expect, rng):\n", "def test_total(expect, rng, impl):\n"
           "    if impl.total([1.0]) != 1.0:\n        import pytest\n        pytest.skip('odd')\n")  # fmt: skip
    bench = Workbench(tmp_path, course, sandbox)
    job = bench.hand_in("toy-1", ANSWERS[6].format(note="wrong").encode())
    assert bench.attempt(job) is JobState.QUEUED
    told = bench.store.jobs.events(job.id)[-1].data
    assert told["fault"] == "us" and told["problem"].startswith("test_total: there is no result")
    bench.store.close()
