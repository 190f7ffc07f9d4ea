"""What a watcher of a job is told while it happens: a numbered list of small facts, the same for page, CLI and push.

queued     place in the line is told apart, it changes
started    attempt, worker
collected  tests: how many will run
test       test, verdict, points, max_points, duration_s, message
requeued   attempt, fault, problem: this attempt counted for nothing, another one follows
ended      state, points, max_points, fault, problem
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.domain.lab import Lab
from grader.domain.measurements import line, message, number, part
from grader.domain.report import TestResult, Verdict
from grader.domain.run import Event
from grader.domain.score import earned

#: What is told of a job that runs, and last of all.
OF_A_RUN = frozenset({"started", "collected", "test", "measuring"})
ENDED = "ended"
#: An attempt cannot tell more than this; a lab has a few hundred tests at most.
MAX_EVENTS = 5_000
#: Who waits for the same engine: more are never told.
MOST_AHEAD = 1_000


@dataclass(frozen=True)
class LiveEvent:
    """One fact. `seq` counts from 1 within the job; `at` is seconds since 1970."""

    seq: int
    kind: str
    at: float
    data: Mapping[str, Any] = field(hash=False)


def told(raw: Event, lab: Lab) -> tuple[str, dict[str, Any]] | None:
    """The kind and data of a worker's event as watchers may see it, cleaned; None for what they need not know."""
    if raw.get("event") == "collected":
        tests = raw.get("tests")
        return "collected", {"tests": len(tests) if isinstance(tests, list) else 0}
    if raw.get("event") == "measuring":
        return "measuring", {"ahead": int(min(max(0.0, number(raw.get("ahead")) or 0.0), MOST_AHEAD))}
    if raw.get("event") != "test":
        return None
    name = line(raw.get("test"))
    listed = lab.test(name)
    if listed is None:
        return None
    verdict = _verdict(raw)
    diagnosis = raw.get("diagnosis")
    return "test", {
        "test": name,
        "verdict": str(verdict),
        "points": earned(listed, TestResult(name, verdict, share=_share(raw))),
        "max_points": 0 if listed.stretch else listed.points,
        "stretch": listed.stretch,
        "duration_s": round(max(0.0, number(raw.get("duration_s")) or 0.0), 4),
        "message": message(diagnosis.get("message")) if isinstance(diagnosis, dict) else "",
    }


def _share(raw: Event) -> float:
    """All of its points where a test does not say."""
    return (part(raw["share"]) or 0.0) if "share" in raw else 1.0


def _verdict(raw: Event) -> Verdict:
    """Only a hint for people who watch: what counts is the report."""
    if raw.get("outcome") == "passed":
        return Verdict.PASSED
    if raw.get("outcome") == "skipped":
        return Verdict.MISSING
    refined = raw.get("verdict")
    known = {str(v) for v in Verdict} - {"passed", "missing"}
    return Verdict(refined) if isinstance(refined, str) and refined in known else Verdict.FAILED
