"""One claimed job, from its assignment to the grader's last word about it.

Three threads: the caller's runs it, one passes on what happens the moment it happens, one beats. Whatever ends the
attempt from outside (a cancel, a lost lease, a worker in a hurry) kills the judge, and the first thread goes on.
"""

import base64
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from grader.domain.errors import Fault
from grader.domain.lab import Lab
from grader.domain.run import Assignment, Event, RunResult, Version
from grader.domain.submission import Submission
from worker import canary, supervisor
from worker.cancellation import Cancellation
from worker.client import Claim, GraderClient, GraderDown, NotOurs, NotUnderstood
from worker.measuring import Measurer
from worker.sandbox import Sandbox, SandboxError

#: Events in one message: a suite of thousands of tests must not make one that is too large.
MOST_EVENTS = 100
#: Before the first message and between two, in seconds: nobody sees the difference, and the core belongs to the tests.
EVENTS_APART_S = 0.15
#: Beats to a lease, and how soon one that failed is tried again, in seconds.
BEATS = 3
BEAT_AGAIN_S = 1.0
#: A beat's answer is also how a run hears that it is cancelled.
LONGEST_BEAT_S = 2.0
_PROBLEM_LETTERS = 500

log = structlog.get_logger(__name__)


class Attempt:
    """The life of one claim. `drop` may come from any thread."""

    def __init__(self, client: GraderClient, claim: Claim, sandbox: Sandbox, measurer: Measurer | None = None) -> None:
        self.claim = claim
        self._client = client
        self._sandbox = sandbox
        self._measurer = measurer
        self._cancellation = Cancellation()
        self._began = time.monotonic()
        self._unwanted = False
        self._dropped = False
        self._over = threading.Event()
        self._rest: list[Event] = []
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._next_message = self._began + EVENTS_APART_S
        self._log = log.bind(job=claim.job_id, attempt=claim.attempt)

    def work(self) -> None:
        """Run the job and see that the grader knows how it ended. Never raises for what a run or the grader does."""
        self._log.info("started")
        with self._thread("beat", self._beat):
            try:
                with self._thread("events", self._pass_on):
                    try:
                        result = self._run()
                    finally:
                        self._events.put(None)
                self._report(result)
            finally:
                self._over.set()

    def drop(self, why: str) -> None:
        """End the run and tell the grader nothing more: it is not ours any more, or we are."""
        if not self._over.is_set() and not self._dropped:
            self._dropped = True
            self._log.warning("dropped", why=why)
            self._end()

    def _run(self) -> RunResult:
        started = time.monotonic()
        result: RunResult | None = None
        try:
            with structlog.contextvars.bound_contextvars(job=self.claim.job_id, attempt=self.claim.attempt):
                assignment = read_assignment(self.claim.assignment)
                claimed = time.monotonic() - self._began
                result = supervisor.run(
                    assignment, self._sandbox, self._events.put, self._cancellation, measurer=self._measurer
                )
                result = replace(result, stages={"claimed": claimed, **result.stages})
                return self._beside(assignment, result)
        except Exception as error:  # noqa: BLE001 - the job's top level: a job of ours that breaks must end all the same
            self._log.exception("broke")
            if result is not None:
                return result  # what broke is the canary: the submission has its report
            problem = f"the worker broke: {type(error).__name__}: {error}"[:_PROBLEM_LETTERS]
            return RunResult(None, self._sandbox.name, "", time.monotonic() - started, Fault.US, problem)

    def _beside(self, assignment: Assignment, result: RunResult) -> RunResult:
        """The result, with a canary where it needs one, whose time counts as a stage of its own."""
        began = time.monotonic()
        found = canary.beside(assignment, result, self._sandbox, self._cancellation, self._measurer)
        if found is result:
            return result
        return replace(found, stages={**result.stages, "canary": time.monotonic() - began})

    def _report(self, result: RunResult) -> None:
        if self._dropped:
            return
        try:
            state = self._client.stopped(self.claim) if self._unwanted else self._deliver(result)
        except (NotOurs, GraderDown, NotUnderstood) as error:
            self._log.error("result not taken", why=str(error), seconds=round(result.duration_s, 3))
        else:
            self._log.info("ended", state=state, seconds=round(result.duration_s, 3), fault=result.fault)

    def _deliver(self, result: RunResult) -> str:
        try:
            return self._client.result(self.claim, result, self._rest)
        except NotUnderstood as error:
            self._log.error("result refused", why=str(error))
            problem = f"the grader could not take the result: {error}"[:_PROBLEM_LETTERS]
            without = RunResult(None, result.sandbox, result.isolation, result.duration_s, Fault.US, problem)
            return self._client.result(self.claim, without)

    def _pass_on(self) -> None:
        while True:
            batch, more = self._next_events()
            if not more:
                self._rest = batch  # they go with the result: one message fewer to wait for
                return
            if self._dropped:
                continue
            self._next_message = time.monotonic() + EVENTS_APART_S
            try:
                self._client.events(self.claim, batch)
            except NotUnderstood as error:
                self._log.error("events refused", why=str(error), events=len(batch))
            except (NotOurs, GraderDown) as error:
                self.drop(str(error))

    def _next_events(self) -> tuple[list[Event], bool]:
        """What has come until the next message is due, one event or more unless it is the end; and whether more may."""
        batch: list[Event] = []
        event = self._events.get()
        while event is not None:
            batch.append(event)
            if len(batch) == MOST_EVENTS:
                return batch, True
            try:
                event = self._events.get(timeout=max(0.0, self._next_message - time.monotonic()))
            except queue.Empty:
                return batch, True
        return batch, False

    def _beat(self) -> None:
        usual = min(self.claim.lease_s / BEATS, LONGEST_BEAT_S)
        pause = usual
        while not self._over.wait(pause):
            pause = min(usual, BEAT_AGAIN_S)
            try:
                cancel = self._client.beat(self.claim)
            except NotOurs as error:
                self.drop(str(error))
                return
            except (GraderDown, NotUnderstood) as error:
                self._log.warning("beat not heard", why=str(error))
                continue
            pause = usual
            if cancel and not self._unwanted:
                self._unwanted = True
                self._log.info("cancelled")
                self._end()

    def _end(self) -> None:
        try:
            self._cancellation.cancel()
        except SandboxError as error:
            self._log.error("not killed", why=str(error), fix=error.fix)

    @contextmanager
    def _thread(self, name: str, target: Any) -> Iterator[None]:
        thread = threading.Thread(target=target, name=f"{name}-{self.claim.job_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join()


def read_assignment(told: Mapping[str, Any]) -> Assignment:
    """The assignment in a claim. Raises what its parts raise: the grader made it, so a wrong one is ours."""
    return Assignment(
        lab=Lab.from_toml(told["manifest"], file="lab.toml"),
        bundle=_files(told["bundle"]),
        lab_path=str(told["lab_path"]),
        submission=Submission(_files(told["files"])),
        seed=int(told["seed"]),
        history={
            str(name): tuple(Version(str(one["at"]), str(one["text"])) for one in versions)
            for name, versions in told.get("history", {}).items()
        },
    )


def _files(told: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """As they are, or out of base64."""
    return {
        path: data if isinstance(data, bytes) else base64.b64decode(data, validate=True) for path, data in told.items()
    }
