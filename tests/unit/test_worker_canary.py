"""When a worker runs the course's own solution beside a submission, what it tells of it, and what never happens."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from grader.domain.errors import Fault
from grader.domain.run import Assignment, RunResult
from tests.fake_grader import WORKER_TOKEN, FakeGrader, assignment
from tests.fake_sandbox import FakeRunning, FakeSandbox, out_of_order
from worker import canary as canary_module
from worker import supervisor
from worker.attempt import read_assignment
from worker.canary import beside
from worker.cancellation import Cancellation
from worker.client import GraderClient
from worker.shift import Shift

SOLUTION = "def one():\n    return 1  # the answer\n"
WENT_WELL = ("passed", "failed", "inconclusive")
SUSPECT = ("timed_out", "crashed", "errored")


def with_solution() -> dict[str, Any]:
    """A claim's assignment whose bundle has the course's own solution."""
    told = assignment()
    told["bundle"]["tiny/solution.py"] = base64.b64encode(SOLUTION.encode()).decode()
    return told


def report(verdict: str, size: int = 0) -> dict[str, Any]:
    """What a judge says last."""
    outcome = "passed" if verdict == "passed" else "failed"
    phases = {"setup": {"outcome": "passed"}, "call": {"outcome": outcome}, "teardown": {"outcome": "passed"}}
    told = {"outcome": outcome, "user_properties": [{"verdict": verdict}], **phases}
    tests = [{"nodeid": "lab-01-tiny/test_lab.py::test_one", **told}]
    return {"event": "report", "report": {"tests": tests, "padding": "x" * size}}


def ran(verdict: str, seconds: float = 1.0) -> RunResult:
    """What came of the submission's own run."""
    return RunResult(json.dumps(report(verdict)["report"]).encode(), "fake", "split", seconds, None, "")


@pytest.fixture
def work() -> Assignment:
    return read_assignment(with_solution())


@pytest.fixture
def grader() -> Iterator[FakeGrader]:
    found = FakeGrader()
    found.assignment = with_solution()
    yield found
    found.down()


@pytest.fixture
def client(grader: FakeGrader) -> Iterator[GraderClient]:
    with GraderClient(grader.url, WORKER_TOKEN) as found:
        yield found


class Grading:
    """One job in a thread of its own, over a sandbox in which the test plays every judge."""

    def __init__(self, client: GraderClient) -> None:
        self.sandbox = FakeSandbox()
        self.shift = Shift(client, self.sandbox, "me", ["cpu"], 1)
        self._thread = threading.Thread(target=self.shift.grade, args=("job-1",))
        self._thread.start()

    def canary(self, verdict: str = "timed_out") -> FakeRunning:
        """The judge of the solution, once the submission's own has reported."""
        self.sandbox.judge(0).say(report(verdict))
        return self.sandbox.judge(1)

    def ends(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert self.sandbox.open == 0


@pytest.mark.parametrize("verdict", WENT_WELL)
def test_a_run_that_went_well_starts_no_canary(work: Assignment, verdict: str) -> None:
    sandbox = FakeSandbox(report("passed"))
    result = ran(verdict)
    assert beside(work, result, sandbox) is result
    assert sandbox.judges == []


@pytest.mark.parametrize("verdict", SUSPECT)
def test_a_suspect_test_is_run_again_with_the_solution(work: Assignment, verdict: str) -> None:
    sandbox = FakeSandbox(report("passed"))
    result = ran(verdict)
    with_canary = beside(work, result, sandbox)
    assert with_canary.canary == json.dumps(report("passed")["report"]).encode()
    assert replace(with_canary, canary=None) == result
    assert len(sandbox.judges) == 1


@pytest.mark.parametrize(
    "result",
    [
        replace(ran("crashed"), fault=Fault.LAB_AUTHOR),
        replace(ran("crashed"), report=b"no report"),
        replace(ran("crashed"), report=None, fault=Fault.US),
        ran("crashed", seconds=130.0),  # of 60 and a grace of 90, too little is left
    ],
)
def test_where_nothing_can_be_compared_there_is_no_canary(work: Assignment, result: RunResult) -> None:
    sandbox = FakeSandbox(report("passed"))
    assert beside(work, result, sandbox) is result
    assert sandbox.judges == []


def test_a_bundle_without_a_solution_has_no_canary() -> None:
    sandbox = FakeSandbox(report("passed"))
    result = ran("crashed")
    assert beside(read_assignment(assignment()), result, sandbox) is result
    assert sandbox.judges == []


def test_tests_that_were_not_asked_for_are_no_suspects(work: Assignment) -> None:
    sandbox = FakeSandbox(report("passed"))
    assert beside(replace(work, tests=("test_other",)), ran("crashed"), sandbox).canary is None
    assert sandbox.judges == []


def test_a_canary_lasts_no_longer_than_the_run_had_left(work: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Assignment, float | None]] = []

    def run(
        assignment: Assignment, sandbox: object, on_event: object, ended: object, seconds: float, measurer: object
    ) -> RunResult:
        asked.append((assignment, seconds))
        return ran("passed")

    monkeypatch.setattr(supervisor, "run", run)
    for seconds in (1.0, 100.0):
        beside(work, ran("timed_out", seconds), FakeSandbox())
    (first, first_s), (second, second_s) = asked
    assert (first.lab.limits.run_seconds, first_s) == (60.0, 149.0)
    assert (second.lab.limits.run_seconds, second_s) == (20.0, 50.0)
    assert first.submission.files == {"starter.py": SOLUTION.encode()}
    assert (first.tests, first.seed, first.bundle) == (("test_one",), work.seed, work.bundle)
    assert replace(first.lab, limits=work.lab.limits) == work.lab


@pytest.mark.parametrize("last", [None, {"event": "problem", "text": "no spec"}, b"nonsense"])
def test_a_canary_that_breaks_leaves_the_result_as_it_is(work: Assignment, last: object) -> None:
    sandbox = FakeSandbox(*filter(None, [last]), report("passed")) if last else FakeSandbox(error=out_of_order())
    result = ran("crashed")
    assert beside(work, result, sandbox) is result
    assert sandbox.open == 0


def test_a_canary_that_is_too_large_is_not_sent(work: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_module, "MAX_CANARY_BYTES", 1000)
    result = ran("crashed")
    assert beside(work, result, FakeSandbox(report("passed", size=1000))) is result
    assert beside(work, result, FakeSandbox(report("passed", size=100))).canary is not None


def test_a_cancelled_run_starts_none(work: Assignment) -> None:
    cancellation, sandbox, result = Cancellation(), FakeSandbox(report("passed")), ran("crashed")
    cancellation.cancel()
    assert beside(work, result, sandbox, cancellation) is result
    assert sandbox.judges == []


def test_the_grader_gets_both_reports_and_hears_of_the_submissions_tests_alone(
    grader: FakeGrader, client: GraderClient
) -> None:
    grading = Grading(client)
    test = {"event": "test", "test": "test_one", "outcome": "failed", "duration_s": 0.1}
    grading.sandbox.judge(0).say(test)
    grading.canary().say({**test, "outcome": "passed"}, report("passed"))
    grading.ends()
    (call,) = grader.told("result")
    for name, verdict in (("report", "timed_out"), ("canary", "passed")):
        assert json.loads(base64.b64decode(call.body[name])) == report(verdict)["report"]
    assert [event["outcome"] for event in grader.events()] == ["failed"]


def test_the_lease_is_kept_while_the_canary_runs(grader: FakeGrader, client: GraderClient) -> None:
    grading = Grading(client)
    judge = grading.canary()
    before = len(grader.told("beat"))
    grader.wait_for(lambda: len(grader.told("beat")) >= before + 3)
    judge.say(report("passed"))
    grading.ends()
    assert grader.told("result")[0].body["canary"] is not None


def test_a_job_that_is_cancelled_during_its_canary_ends_at_once(grader: FakeGrader, client: GraderClient) -> None:
    grading = Grading(client)
    judge = grading.canary()
    grader.always("beat", (200, {"cancel": True}))
    grading.ends()
    assert judge.killed.is_set()
    assert (grader.told("result"), len(grader.told("stopped"))) == ([], 1)


def test_a_job_that_is_lost_during_its_canary_is_dropped(grader: FakeGrader, client: GraderClient) -> None:
    grading = Grading(client)
    judge = grading.canary()
    grader.always("beat", (409, None))
    grading.ends()
    assert judge.killed.is_set()
    assert grader.told("result") == grader.told("stopped") == []


@pytest.mark.parametrize("last", [b"nonsense", None])
def test_a_canary_that_dies_costs_the_submission_nothing(
    grader: FakeGrader, client: GraderClient, last: bytes | None
) -> None:
    grading = Grading(client)
    judge = grading.canary("crashed")
    judge.say(last) if last else judge.end()
    grading.ends()
    body = grader.told("result")[0].body
    assert (body["canary"], body["fault"]) == (None, None)
    assert json.loads(base64.b64decode(body["report"])) == report("crashed")["report"]


def test_a_canary_that_breaks_the_worker_costs_the_submission_nothing(
    grader: FakeGrader, client: GraderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(canary_module, "canary_of", broken)
    grading = Grading(client)
    grading.sandbox.judge(0).say(report("crashed"))
    grading.ends()
    body = grader.told("result")[0].body
    assert (body["canary"], body["fault"]) == (None, None)
    assert json.loads(base64.b64decode(body["report"])) == report("crashed")["report"]
