"""Ending a run from outside: at once, at any moment, and told apart from a run that failed."""

import logging
import threading
import time

import pytest

from grader.domain.errors import Fault
from grader.domain.run import Event, RunResult
from tests.fake_grader import assignment
from tests.fake_sandbox import COLLECTED, RUN, FakeSandbox
from worker import supervisor
from worker.attempt import read_assignment
from worker.cancellation import Cancellation


def run_in_thread(
    sandbox: FakeSandbox, cancellation: Cancellation, events: list[Event]
) -> tuple[threading.Thread, list]:
    results: list[RunResult] = []
    work = read_assignment(assignment())
    thread = threading.Thread(target=lambda: results.append(supervisor.run(work, sandbox, events.append, cancellation)))
    thread.start()
    return thread, results


def test_a_run_without_one_is_as_it_was() -> None:
    events: list[Event] = []
    result = supervisor.run(read_assignment(assignment()), FakeSandbox(*RUN), events.append)
    assert result.fault is None
    assert result.report is not None
    assert [event["event"] for event in events] == ["collected", "test"]


@pytest.mark.parametrize("half", [b"", b'{"event": "te'])
def test_a_cancel_ends_a_silent_run_at_once(half: bytes, caplog: pytest.LogCaptureFixture) -> None:
    cancellation = Cancellation()
    sandbox = FakeSandbox(COLLECTED)
    thread, results = run_in_thread(sandbox, cancellation, [])
    judge = sandbox.judge()
    if half:
        judge.say(half)
    with caplog.at_level(logging.ERROR):
        cancellation.cancel()
        thread.join(5)
    assert judge.killed.is_set()
    assert (results[0].report, results[0].fault, results[0].problem) == (None, None, supervisor.CANCELLED)
    assert sandbox.open == 0
    assert caplog.records == []  # nobody's failure, so nobody is called


def test_a_cancel_before_the_run_ends_it_as_it_starts() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    result = supervisor.run(read_assignment(assignment()), FakeSandbox(COLLECTED), lambda event: None, cancellation)
    assert result.problem == supervisor.CANCELLED


def test_a_cancel_after_the_run_changes_nothing() -> None:
    cancellation = Cancellation()
    sandbox = FakeSandbox(*RUN)
    result = supervisor.run(read_assignment(assignment()), sandbox, lambda event: None, cancellation)
    cancellation.cancel()
    assert result.report is not None
    assert not sandbox.judge().killed.is_set()


def test_a_judge_that_dies_by_itself_is_still_ours() -> None:
    cancellation = Cancellation()
    sandbox = FakeSandbox(COLLECTED)
    thread, results = run_in_thread(sandbox, cancellation, [])
    sandbox.judge().end()
    thread.join(5)
    assert results[0].fault is Fault.US
    assert "its last words" in results[0].problem


def test_many_cancels_at_once_are_one() -> None:
    cancellation = Cancellation()
    sandbox = FakeSandbox(COLLECTED)
    thread, results = run_in_thread(sandbox, cancellation, [])
    sandbox.judge()
    started = time.monotonic()
    threads = [threading.Thread(target=cancellation.cancel) for _ in range(8)]
    for each in threads:
        each.start()
    for each in [*threads, thread]:
        each.join(5)
    assert time.monotonic() - started < 2
    assert results[0].problem == supervisor.CANCELLED
