"""Rows to domain objects and back."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from grader.domain.course import Handin
from grader.domain.errors import Fault
from grader.domain.job import Job, JobState, Lane
from grader.domain.people import Credential, CredentialKind, Person

LANES = (Lane.INTERACTIVE, Lane.RERUN, Lane.BULK)
_JOB_PLAIN = ("id", "submission_id", "course", "lab", "person_id", "spec_digest", "queue", "max_attempts", "created_at",
              "attempt", "worker", "started_at", "finished_at", "problem", "sandbox", "duration_s", "points",
              "max_points")  # fmt: skip


def to_job(row: RowMapping | Mapping[str, Any]) -> Job:
    """A row of `job`, alone or joined."""
    return Job(
        **{name: row[name] for name in _JOB_PLAIN},
        lane=LANES[row["lane"]],
        seed=int(row["seed"]),
        state=JobState(row["state"]),
        cancel_requested=bool(row["cancel_requested"]),
        fault=Fault(row["fault"]) if row["fault"] else None,
        rerun_id=row["rerun_id"] or "",
    )


def from_job(job: Job) -> dict[str, Any]:
    """A new row of `job`."""
    return {name: getattr(job, name) for name in _JOB_PLAIN} | {
        "lane": LANES.index(job.lane),
        "seed": str(job.seed),
        "state": str(job.state),
        "available_at": job.created_at,
        "cancel_requested": job.cancel_requested,
        "fault": str(job.fault) if job.fault else None,
        "last_event": 0,
        "rerun_id": job.rerun_id or None,
    }


def to_person(row: RowMapping | Mapping[str, Any]) -> Person:
    """A row of `person`."""
    return Person(row["id"], row["login"], row["name"], row["email"])


def to_handin(row: RowMapping | Mapping[str, Any]) -> Handin:
    """A row of `submission`."""
    names = ("id", "course", "lab", "person_id", "number", "digest", "source", "created_at")
    return Handin(**{name: row[name] for name in names})


def to_credential(row: RowMapping | Mapping[str, Any]) -> Credential:
    """A row of `credential`, without its digest."""
    names = ("id", "person_id", "label", "created_at", "expires_at", "used_at")
    return Credential(kind=CredentialKind(row["kind"]), **{name: row[name] for name in names})


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """Files as one compressed value."""
    return zlib.compress(json.dumps({path: base64.b64encode(data).decode() for path, data in files.items()}).encode())


def unpack_files(packed: bytes) -> dict[str, bytes]:
    """What `pack_files` packed."""
    return {path: base64.b64decode(data) for path, data in json.loads(zlib.decompress(packed)).items()}
