"""Graded submissions without a sandbox: reports as a judge writes them, accepted as a worker posts them."""

import json
from dataclasses import dataclass

from grader.domain.errors import Fault
from grader.domain.job import JobState
from grader.domain.people import Viewer
from grader.domain.run import RunResult
from grader.steps import intake, running
from grader.steps.service import Service

TESTS = ("test_double", "test_total")


def report(*passed: str, inconclusive: tuple[str, ...] = (), cause: str = "wrong sum") -> bytes:
    """A report of the toy lab: these passed, those are undecided, the others failed for that cause."""
    return json.dumps({"tests": [_test(name, passed, inconclusive, cause) for name in TESTS]}).encode()


def _test(name: str, passed: tuple[str, ...], inconclusive: tuple[str, ...], cause: str) -> dict[str, object]:
    outcome = "passed" if name in passed else "failed"
    stages = {stage: {"outcome": "passed", "duration": 0.1} for stage in ("setup", "teardown")}
    told = [{"diagnosis": {"cause": cause, "hint": "", "message": f"{name} failed: {cause}"}}]
    undecided = [{"verdict": "inconclusive"}] if name in inconclusive else []
    properties = {"user_properties": [*told, *undecided]} if outcome == "failed" else {}
    call = {"call": {"outcome": outcome, "duration": 0.1}}
    return {"nodeid": f"basics/labs/toy-1/test_lab.py::{name}", "outcome": outcome, **stages, **call, **properties}


def grade(service: Service, job_id: str, body: bytes | None, fault: Fault | None = None) -> JobState:
    """Run a waiting job as a worker does; the state it ends in."""
    found = running.claim(service, job_id, "w1")
    assert found is not None, "the job waits"
    problem = "" if fault is None else "it broke"
    state = running.accept(service, found.job, RunResult(body, "fake", "split", 0.25, fault, problem))
    assert state is not None
    return state


@dataclass(frozen=True)
class Class:
    """Students of the course toy with what they handed in for toy-1."""

    service: Service

    def hand_in(self, who: Viewer, *passed: str, note: str = "") -> intake.Receipt:
        """A submission that these tests pass."""
        receipt = self.waiting(who, note or " ".join(passed))
        assert grade(self.service, receipt.job.id, report(*passed)) is JobState.GRADED
        return receipt

    def waiting(self, who: Viewer, note: str = "") -> intake.Receipt:
        """A submission that is not graded yet."""
        data = f"# {who.person.login} {note}\ndef double(x):\n    return 2 * x\n".encode()
        return intake.submit(self.service, who, "toy", "toy-1", name="starter.py", data=data, source="test")
