"""What workers speak to: signs of life, claims, events, results. A worker sees its own job and nothing else."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, BaseModel, Field

from grader.domain.errors import Fault, Refused, UnreadableSubmission
from grader.domain.operations import WorkerBeat
from grader.domain.run import MAX_CANARY_BYTES, MAX_STAGES, RunResult
from grader.domain.text import clean
from grader.steps import running
from grader.web.access import HeldJob, TheService, any_worker
from grader.web.shapes import REFUSALS

router = APIRouter(prefix="/api/worker", tags=["workers"], responses=REFUSALS)

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Word = Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9+._-]*$")]
#: Some of it may be a submission's own: cut and cleaned rather than refused, for a refused result would be a lost one.
Text = Annotated[str, AfterValidator(lambda text: clean(text, TEXT_CHARACTERS))]
Queues = Annotated[list[Annotated[str, Field(pattern="^(cpu|gpu)$")]], Field(max_length=10)]
StageName = Annotated[str, Field(pattern="^[a-z_]{1,30}$")]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
TEXT_CHARACTERS = 20_000
#: What the largest canary takes as base64.
CANARY_CHARACTERS = 4 * -(-MAX_CANARY_BYTES // 3)


class Heartbeat(BaseModel):
    """What a worker says of itself."""

    name: Name
    queues: Queues
    slots: Annotated[int, Field(ge=0, le=10_000)]
    running: Annotated[list[Word], Field(max_length=10_000)]
    sandbox: Word
    state: Annotated[str, Field(pattern="^(ready|draining|stopped)$")]
    started_at: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class Claim(BaseModel):
    """Who claims, of which queues, and the digests of the specs whose bundles they have: those are not sent again."""

    worker: Name
    queues: Queues
    known: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = []


class Events(BaseModel):
    """What happened, in order."""

    events: Annotated[list[dict[str, Any]], Field(max_length=1_000)]


class Result(BaseModel):
    """What came of a run, and the last that happened in it. `report` and `canary` are base64."""

    events: Annotated[list[dict[str, Any]], Field(max_length=1_000)] = []
    report: str | None = None
    canary: Annotated[str, Field(max_length=CANARY_CHARACTERS)] | None = None
    sandbox: Word = ""
    isolation: Word = ""
    duration_s: Seconds = 0.0
    fault: Fault | None = None
    problem: Text = ""
    stages: Annotated[dict[StageName, Seconds], Field(max_length=MAX_STAGES)] = {}


@router.post("/heartbeat", dependencies=[Depends(any_worker)])
def heartbeat(beat: Heartbeat, service: TheService) -> dict[str, bool]:
    """A worker lives."""
    told = beat.model_dump() | {"queues": tuple(beat.queues), "running": tuple(beat.running)}
    running.worker_beat(service, WorkerBeat(**told))
    return {"ok": True}


@router.post("/jobs/{job_id}/claim", dependencies=[Depends(any_worker)])
def claim(job_id: str, by: Claim, service: TheService) -> dict[str, Any]:
    """Own a waiting job; the answer has all it takes to run it. 409: it does not wait there, drop the message."""
    claimed = running.claim(service, job_id, by.worker, by.queues)
    if claimed is None:
        raise Refused("this job does not wait any more")
    return {
        "attempt": claimed.job.attempt,
        "token": claimed.token,
        "lease_s": service.rules.lease_s,
        "assignment": {
            "manifest": claimed.spec.manifest,
            "lab_path": claimed.spec.lab_path,
            "spec": claimed.spec.digest,
            "bundle": None if claimed.spec.digest in by.known else _coded(claimed.spec.bundle),
            "files": _coded(claimed.files.files),
            "seed": claimed.job.seed,
            "history": {name: [vars(one) for one in versions] for name, versions in claimed.history.items()},
        },
    }


@router.post("/jobs/{job_id}/beat")
def beat(job: HeldJob, service: TheService) -> dict[str, bool]:
    """The run goes on; the answer says whether it should."""
    answer = running.beat(service, job)
    if not answer.owned:
        raise _not_yours()
    return {"cancel": answer.cancel}


@router.post("/jobs/{job_id}/events", status_code=204)
def tell(sent: Events, job: HeldJob, service: TheService) -> Response:
    """What happened so far."""
    if not running.tell(service, job, sent.events):
        raise _not_yours()
    return Response(status_code=204)


@router.post("/jobs/{job_id}/result")
def result(sent: Result, job: HeldJob, service: TheService) -> dict[str, str]:
    """What came of the run. The token dies with it."""
    report = None if sent.report is None else _decoded(sent.report)
    canary = None if sent.canary is None else _decoded(sent.canary)
    if sent.events and not running.tell(service, job, sent.events):
        raise _not_yours()
    told = RunResult(
        report, sent.sandbox, sent.isolation, sent.duration_s, sent.fault, sent.problem, canary, sent.stages
    )
    state = running.accept(service, job, told)
    if state is None:
        raise _not_yours()
    return {"state": str(state)}


@router.post("/jobs/{job_id}/stopped")
def stopped(job: HeldJob, service: TheService) -> dict[str, str]:
    """The run was stopped because it was cancelled."""
    if not running.stopped(service, job):
        raise _not_yours()
    return {"state": "cancelled"}


def _coded(files: Any) -> dict[str, str]:
    return {path: base64.b64encode(data).decode("ascii") for path, data in files.items()}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableSubmission("the report is not base64") from None


def _not_yours() -> Refused:
    return Refused("this attempt does not own the job any more", "stop, and drop what it made")
