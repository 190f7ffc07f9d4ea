"""A worker's shift against a grader that answers as it is told to: what the grader hears, in which order, and when."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fake_grader import JOB_TOKEN, WORKER_TOKEN, FakeGrader
from tests.fake_sandbox import COLLECTED, PASSED, REPORT, REPORTED, RUN, FakeSandbox, out_of_order
from worker.client import GraderClient
from worker.shift import Shift

TALK = ["claim", "events", "result"]


@pytest.fixture
def grader() -> Iterator[FakeGrader]:
    found = FakeGrader()
    yield found
    found.down()


@pytest.fixture
def client(grader: FakeGrader) -> Iterator[GraderClient]:
    with GraderClient(grader.url, WORKER_TOKEN) as found:
        yield found


class Grading:
    """One job graded in a thread of its own."""

    def __init__(self, shift: Shift, job: str = "job-1") -> None:
        self._thread = threading.Thread(target=shift.grade, args=(job,))
        self._thread.start()

    def ends(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


def a_shift(client: GraderClient, sandbox: FakeSandbox, slots: int = 2) -> Shift:
    return Shift(client, sandbox, "me", ["cpu"], slots)


def result_of(grader: FakeGrader) -> dict[str, Any]:
    (call,) = grader.told("result")
    return call.body


def test_a_job_is_claimed_run_and_reported_in_that_order(grader: FakeGrader, client: GraderClient) -> None:
    a_shift(client, FakeSandbox(*RUN)).grade("job-1")
    assert [what for what in grader.order() if what != "events"] == ["claim", "result"]  # the last go with the result
    assert [event["event"] for event in grader.events()] == ["collected", "test"]
    body = result_of(grader)
    assert json.loads(base64.b64decode(body["report"])) == REPORT
    assert (body["sandbox"], body["isolation"], body["fault"], body["problem"]) == ("fake", "split", None, "")


def test_a_test_is_told_while_the_next_one_runs(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox()
    grading = Grading(a_shift(client, sandbox))
    judge = sandbox.judge()
    for number in range(5):
        said = time.monotonic()
        judge.say({**PASSED, "test": f"test_{number}"})
        grader.wait_for(lambda number=number: len(grader.events()) > number)
        assert grader.told("events")[-1].at - said < 0.25  # milliseconds, but for a machine with something else to do
    assert grader.told("result") == []
    judge.say(REPORTED)
    grading.ends()
    assert grader.order() == TALK


def test_many_events_at_once_are_told_in_order_and_none_is_lost(grader: FakeGrader, client: GraderClient) -> None:
    names = [f"test_{number}" for number in range(1000)]
    a_shift(client, FakeSandbox(*({**PASSED, "test": name} for name in names), REPORTED)).grade("job-1")
    assert [event["test"] for event in grader.events()] == names
    assert max(len(call.body["events"]) for call in grader.told("events")) <= 100
    assert grader.order() == TALK


def test_a_job_that_waits_no_longer_is_dropped(grader: FakeGrader, client: GraderClient) -> None:
    grader.say("claim", (409, {"error": {"message": "done"}}))
    sandbox = FakeSandbox(*RUN)
    a_shift(client, sandbox).grade("job-1")
    assert grader.order() == ["claim"]
    assert sandbox.judges == []


@pytest.mark.parametrize("status", [409, 401, 404])
def test_a_stale_worker_kills_its_run_and_says_nothing_more(
    grader: FakeGrader, client: GraderClient, status: int
) -> None:
    sandbox = FakeSandbox(COLLECTED)
    grading = Grading(a_shift(client, sandbox))
    judge = sandbox.judge()
    grader.wait_for(grader.events)
    grader.always("beat", (status, None))
    grading.ends()
    assert judge.killed.is_set()
    assert grader.order() == ["claim", "events"]
    assert sandbox.open == 0


def test_refused_events_end_the_run_as_well(grader: FakeGrader, client: GraderClient) -> None:
    grader.lease_s = 3600
    grader.always("events", (409, None))
    sandbox = FakeSandbox(COLLECTED, PASSED)
    a_shift(client, sandbox).grade("job-1")
    assert sandbox.judge().killed.is_set()
    assert "result" not in grader.order()


def test_a_cancelled_job_is_stopped_and_told_so(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox(COLLECTED)
    grading = Grading(a_shift(client, sandbox))
    judge = sandbox.judge()
    grader.wait_for(grader.events)
    grader.always("beat", (200, {"cancel": True}))
    grading.ends()
    assert judge.killed.is_set()
    assert grader.order() == ["claim", "events", "stopped"]


def test_the_lease_is_kept_three_times_over(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox()
    grading = Grading(a_shift(client, sandbox))
    judge = sandbox.judge()
    grader.wait_for(lambda: len(grader.told("beat")) >= 4)
    judge.say(REPORTED)
    grading.ends()
    beats = [call.at for call in grader.told("beat")]
    assert (beats[3] - beats[0]) / 3 < grader.lease_s


def test_a_result_outlives_a_grader_that_is_away(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox(COLLECTED)
    grading = Grading(a_shift(client, sandbox))
    judge = sandbox.judge()
    grader.wait_for(grader.events)
    grader.down()
    judge.say(PASSED, REPORTED)
    assert not judge.killed.wait(0.5)
    grader.up()
    grading.ends()
    assert len(grader.told("result")) == 1
    assert [event["event"] for event in grader.events()] == ["collected", "test"]
    assert grader.order() == TALK


def test_a_beat_goes_on_while_the_result_waits(grader: FakeGrader, client: GraderClient) -> None:
    grader.always("result", (503, None))
    grading = Grading(a_shift(client, FakeSandbox(*RUN)))
    grader.wait_for(lambda: grader.told("result"))
    before = len(grader.told("beat"))
    grader.wait_for(lambda: len(grader.told("beat")) > before + 1)
    grader.always("result", (200, {"state": "graded"}))
    grading.ends()


def test_a_broken_sandbox_is_the_operators(grader: FakeGrader, client: GraderClient) -> None:
    a_shift(client, FakeSandbox(error=out_of_order())).grade("job-1")
    body = result_of(grader)
    assert (body["report"], body["fault"]) == (None, "operator")
    assert "make some" in body["problem"]


@pytest.mark.parametrize("wrong", [{"manifest": "not [toml"}, {"files": {"starter.py": "%%%"}}, {"seed": None}])
def test_a_job_that_breaks_the_worker_ends_as_ours(
    grader: FakeGrader, client: GraderClient, wrong: dict[str, Any]
) -> None:
    grader.assignment |= wrong
    a_shift(client, FakeSandbox(*RUN)).grade("job-1")
    body = result_of(grader)
    assert (body["report"], body["fault"]) == (None, "us")
    assert body["problem"].startswith("the worker broke: ")
    assert len(body["problem"]) <= 500


def test_whatever_a_run_raises_the_next_one_works(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox(error=ZeroDivisionError("ours"))
    a_shift(client, sandbox).grade("job-1")
    assert result_of(grader)["problem"] == "the worker broke: ZeroDivisionError: ours"
    assert sandbox.open == 0
    a_shift(client, FakeSandbox(*RUN)).grade("job-2")
    assert [call.job for call in grader.told("result")] == ["job-1", "job-2"]


def test_a_report_the_grader_cannot_take_becomes_a_fault_of_ours(grader: FakeGrader, client: GraderClient) -> None:
    grader.say("result", (413, {"error": {"message": "too large"}}))
    a_shift(client, FakeSandbox(*RUN)).grade("job-1")
    last = grader.told("result")[-1].body
    assert (last["report"], last["fault"]) == (None, "us")
    assert "too large" in last["problem"]


def test_many_jobs_at_once_keep_apart(grader: FakeGrader, client: GraderClient) -> None:
    shift = a_shift(client, FakeSandbox(*RUN), slots=8)
    jobs = [f"job-{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(shift.grade, jobs))
    assert sorted(call.job for call in grader.told("result")) == sorted(jobs)
    assert all(call.body["fault"] is None for call in grader.told("result"))


def test_a_heartbeat_says_who_and_what(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox()
    shift = a_shift(client, sandbox)
    shift.start()
    grader.wait_for(lambda: grader.told("heartbeat"))
    first = grader.told("heartbeat")[0].body
    assert abs(first.pop("started_at") - time.time()) < 20
    assert first == {"name": "me", "queues": ["cpu"], "slots": 2, "running": [], "sandbox": "fake", "state": "ready"}
    grading = Grading(shift)
    judge = sandbox.judge()
    grader.wait_for(lambda: grader.told("heartbeat")[-1].body["running"] == ["job-1"])
    judge.say(REPORTED)
    grading.ends()
    grader.wait_for(lambda: grader.told("heartbeat")[-1].body["running"] == [])
    shift.close()
    assert grader.told("heartbeat")[-1].body["state"] == "stopped"


def test_a_worker_that_comes_before_its_grader_is_soon_known(grader: FakeGrader, client: GraderClient) -> None:
    grader.down()
    shift = a_shift(client, FakeSandbox())
    shift.start()
    grader.up()
    grader.wait_for(lambda: grader.told("heartbeat"))
    shift.close()


def test_a_draining_worker_ends_what_it_has_and_takes_nothing_new(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox(COLLECTED)
    shift = a_shift(client, sandbox)
    shift.start()
    grading = Grading(shift)
    judge = sandbox.judge()
    shift.drain()
    grader.wait_for(lambda: grader.told("heartbeat")[-1].body["state"] == "draining")
    assert grader.told("heartbeat")[-1].body["running"] == ["job-1"]
    shift.grade("job-2")
    closing = threading.Thread(target=shift.close)
    closing.start()
    judge.say(REPORTED)
    grading.ends()
    closing.join(20)
    assert [call.job for call in grader.told("claim")] == ["job-1"]
    assert len(grader.told("result")) == 1
    last = grader.told("heartbeat")[-1].body
    assert (last["state"], last["running"]) == ("stopped", [])


def test_a_worker_in_a_hurry_kills_what_runs_and_says_nothing_of_it(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox(COLLECTED)
    shift = a_shift(client, sandbox)
    shift.start()
    grading = Grading(shift)
    judge = sandbox.judge()
    shift.close(timeout=0.05)
    grading.ends()
    assert judge.killed.is_set()
    assert grader.told("result") == grader.told("stopped") == []
    assert grader.told("heartbeat")[-1].body["state"] == "stopped"


def test_the_job_token_is_not_the_workers(grader: FakeGrader, client: GraderClient) -> None:
    # the fake refuses a call with the other's token; had one been wrong, there were no result
    assert JOB_TOKEN != WORKER_TOKEN
    a_shift(client, FakeSandbox(*RUN)).grade("job-1")
    assert len(grader.told("result")) == 1
