"""What the service makes of a canary: over HTTP, on the pages of students and graders, and in a terminal."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.domain.job import JobState
from grader.web.worker_api import CANARY_CHARACTERS
from tests.courses.copies import LAB, toy_course
from tests.fakes import worker_is_up
from tests.integration.site import RIGHT, Desk

FINE = "the course's own solution ran this test on the same machine in 0.25 s"
TOO_SLOW = "test_double: the course's own solution ran out of the 10 s of this test on the same machine too"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.store.close()


def report(double: str, used_s: float) -> str:
    """A report in base64 in which test_double ended so and test_total passed."""
    tests: list[dict[str, Any]] = []
    for name, verdict in (("test_double", double), ("test_total", "passed")):
        outcome = "passed" if verdict == "passed" else "failed"
        phases = {"setup": {"outcome": "passed"}, "call": {"outcome": outcome}, "teardown": {"outcome": "passed"}}
        told = [{"verdict": verdict}, {"used_s": used_s}]
        node = f"basics/labs/toy-1/test_lab.py::{name}"
        tests.append({"nodeid": node, "outcome": outcome, "user_properties": told, **phases})
    return base64.b64encode(json.dumps({"tests": tests}).encode()).decode()


def words(answer: Any) -> str:
    """What a reader reads."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).replace("&#39;", "'").split())


def test_the_sentence_reaches_the_student_by_page_and_program(desk: Desk) -> None:
    job, worker = desk.claimed("amy")
    sent = {"report": report("timed_out", 10.0), "canary": report("passed", 0.25)}
    answer = worker.post(f"/api/worker/jobs/{job.id}/result", json=sent)
    assert (answer.status_code, answer.json()) == (200, {"state": "graded"})
    here = f"/submissions/{job.submission_id}"
    assert FINE in words(desk.browser("amy").get(here))
    told = desk.client("amy").get(f"/api/v1{here}").json()
    assert FINE in told["findings"][0]["message"] and told["findings"][0]["fault"] == "student"
    assert FINE in told["tests"][0]["diagnosis"]["message"]
    assert told["job"]["points"] == 4


def test_a_machine_that_failed_the_solution_too_is_told_as_ours_and_tried_again_until_it_alarms(desk: Desk) -> None:
    receipt = desk.hand_in("amy")
    here = f"/submissions/{receipt.handin.id}"
    sent = {"report": report("timed_out", 10.0), "canary": report("timed_out", 10.0)}
    for attempt in range(1, receipt.job.max_attempts + 1):
        job, worker = desk.claim(receipt.job)
        answer = worker.post(f"/api/worker/jobs/{job.id}/result", json=sent)
        last = attempt == receipt.job.max_attempts
        assert answer.json() == {"state": "dead" if last else "queued"}
        shown = words(desk.browser("amy").get(here))
        assert TOO_SLOW in shown
        assert "That was our fault and cost you nothing" in shown
        assert ("We tried 5 times and could not run it. That is our fault, not yours" in shown) == last
    kinds = [event.kind for event in desk.store.jobs.events(receipt.job.id)]
    assert kinds.count("requeued") == receipt.job.max_attempts - 1
    worker_is_up(desk.service)
    staff = words(desk.browser("gina").get("/c/toy"))
    assert "1 submission could not be graded" in staff and TOO_SLOW in staff
    assert TOO_SLOW not in desk.client().get("/readyz").text  # anybody may read that one


@pytest.mark.parametrize("canary", ["%%%", "x" * (CANARY_CHARACTERS + 1), 7])
def test_a_canary_that_is_none_is_refused(desk: Desk, canary: object) -> None:
    job, worker = desk.claimed("amy")
    sent = {"report": report("timed_out", 10.0), "canary": canary}
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent).status_code in (400, 422)
    kept = desk.store.jobs.get(job.id)
    assert kept is not None and kept.state is JobState.RUNNING


def test_a_canary_that_cannot_be_read_changes_nothing_but_is_said(desk: Desk) -> None:
    job, worker = desk.claimed("amy")
    sent = {"report": report("timed_out", 10.0), "canary": base64.b64encode(b"[]").decode()}
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent).json() == {"state": "graded"}
    assert "could not be run beside it" in words(desk.browser("amy").get(f"/submissions/{job.submission_id}"))


def test_a_job_token_brings_a_canary_for_its_own_job_alone(desk: Desk) -> None:
    (job, worker), (other, _) = desk.claimed("amy"), desk.claimed("bob", b"x = 1")
    sent = {"report": report("timed_out", 10.0), "canary": report("passed", 0.25)}
    assert worker.post(f"/api/worker/jobs/{other.id}/result", json=sent).status_code == 401
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent).status_code == 200
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent).status_code == 401


def test_graders_see_which_of_a_students_programs_it_is_and_students_do_not(desk: Desk) -> None:
    answers = [RIGHT, RIGHT + b"# the same\n", *(RIGHT + b"y = %d\n" % n for n in range(100))]
    for data in answers[:3]:
        desk.clock.passes(60)
        receipt = desk.hand_in("amy", data)
    here = f"/submissions/{receipt.handin.id}"
    assert "Program 2 of the 100 that this lab's error budget covers." in words(desk.browser("gina").get(here))
    assert "error budget" not in words(desk.browser("amy").get(here))
    for data in answers[3:]:
        desk.clock.passes(60)
        receipt = desk.hand_in("amy", data)
    shown = words(desk.browser("gina").get(f"/submissions/{receipt.handin.id}"))
    assert "This is program 101 of theirs, and this lab's error budget covers 100." in shown


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("solution", "code", "said"),
    [
        ("return float(sum(items))", 0, "the course's own solution ran this test on the same machine in"),
        ("import time; time.sleep(9)", 3, "test_total: the course's own solution ran out of the 2 s of this test"),
    ],
)
def test_the_command_line_runs_a_canary_too_and_says_so(tmp_path: Path, solution: str, code: int, said: str) -> None:
    course, answer = toy_course(tmp_path / "course"), tmp_path / "answer.py"
    for name, old, new in (
        ("lab.toml", "test_seconds = 10", "test_seconds = 2"),
        ("solution.py", "return float(sum(items))", solution),
    ):
        text = (course / LAB / name).read_text(encoding="utf-8")
        assert old in text
        (course / LAB / name).write_text(text.replace(old, new), encoding="utf-8")
    answer.write_text("def double(x): return 2.0 * x\ndef total(items):\n    while True: pass\n", encoding="utf-8")
    env = {**os.environ, "GRADER_LABS": str(course), "GRADER_HOME": str(tmp_path / "home"), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", "toy-1", str(answer), "--sandbox", "bubblewrap"],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert ("Nothing was scored." in done.stderr) == (code == 3)
