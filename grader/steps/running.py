"""What a worker does with a job, as the grader sees it: claim it, say what happens, bring back what came of it.

A job is opened by the token of one attempt and by nothing else. The token dies with the attempt.
"""

import logging
import math
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grader.domain.attribution import costs_an_attempt, has_solution, noted, read_canary, rule
from grader.domain.course import Spec
from grader.domain.errors import Fault, NotFound, Refused, UnreadableReport
from grader.domain.job import Beat, Job, JobState, Outcome
from grader.domain.lab import QUEUES
from grader.domain.live import told
from grader.domain.marks import marks
from grader.domain.measurements import message
from grader.domain.operations import WorkerBeat
from grader.domain.report import Verdict, read_report
from grader.domain.run import RunResult, Version
from grader.domain.score import score
from grader.domain.submission import Submission
from grader.steps.access import digest
from grader.steps.service import Service
from grader.steps.versions import history
from grader.steps.viewing import the_spec

log = logging.getLogger(__name__)
#: Faults that another attempt may mend; a lab's or a student's come again.
_RETRIED = (Fault.US, Fault.OPERATOR)


@dataclass(frozen=True)
class Claimed:
    """A job with all it takes to run it, and the token of this attempt."""

    job: Job
    spec: Spec
    files: Submission
    history: Mapping[str, Sequence[Version]]
    token: str = field(repr=False)


def expected(service: Service, queues: Collection[str]) -> list[Spec]:
    """The specs of the labs that students may hand in for now and that these queues serve; what is due next first."""
    now, found = service.clock(), []
    for course in service.store.courses.courses():
        rules = service.store.standings.rules(course.id)
        for lab in service.store.courses.labs(course.id):
            policy = rules.of(lab.id)
            if lab.queue in queues and not policy.not_open(now) and not policy.closed(now):
                due_in = math.inf if policy.due_at is None or policy.due_at < now else policy.due_at - now
                found.append((due_in, course.id, lab.order, lab.spec_digest))
    return [the_spec(service, digest) for *_, digest in sorted(found)]


def claim(service: Service, job_id: str, worker: str, queues: Collection[str] = QUEUES) -> Claimed | None:
    """Own the job; None if it does not wait: somebody else has it, or it has ended.

    Raises NotFound; Refused where it waits in none of the `queues` that the worker serves.
    """
    wanted = service.store.jobs.get(job_id)
    if wanted is None:
        raise NotFound("there is no such job")
    if wanted.queue not in queues:
        raise Refused(f"this job is of the {wanted.queue} queue, which this worker does not serve")
    token = secrets.token_urlsafe(32)
    job = service.store.jobs.claim(job_id, worker, digest(token), service.clock(), service.rules)
    if job is None:
        return None
    service.changed(job.id)
    handin = service.store.submissions.get(job.submission_id)
    files = service.store.submissions.files(handin.digest) if handin else None
    assert handin is not None and files is not None, "a job's submission is kept with it"
    spec = the_spec(service, job.spec_digest)
    return Claimed(job, spec, files, history(service, spec.lab, handin), token)


def holder(service: Service, job_id: str, token: str) -> Job | None:
    """The running job that this token opens; None for any other."""
    return service.store.jobs.holder(job_id, digest(token))


def beat(service: Service, job: Job) -> Beat:
    """The worker lives and goes on."""
    return service.store.jobs.beat(job.id, job.attempt, service.clock(), service.rules)


def tell(service: Service, job: Job, raw: Sequence[Mapping[str, Any]]) -> bool:
    """Pass on what happened, cleaned; False if this attempt does not own the job any more."""
    lab = the_spec(service, job.spec_digest).lab
    facts = [fact for event in raw if (fact := told(event, lab)) is not None]
    owned = service.store.jobs.tell(job.id, job.attempt, facts, service.clock())
    service.changed(job.id)
    return owned


def accept(service: Service, job: Job, result: RunResult) -> JobState | None:
    """Judge what came of a run; the job's state after it, None if this attempt does not own it any more.

    Safe to call twice: the second time the attempt owns nothing.
    """
    arrived = service.clock()
    outcome = judged(service, job, result)
    now = service.clock()
    if isinstance(outcome, Outcome):
        outcome = replace(outcome, stages={**result.stages, "scoring": now - arrived})
        state = outcome.state if service.store.jobs.finish(job.id, job.attempt, outcome, now) else None
    else:
        fault, problem = outcome
        state = service.store.jobs.give_back(job.id, job.attempt, fault, problem, now, service.rules)
        if state is JobState.DEAD:
            log.error("job given up: %s", problem, extra={"job": job.id, "attempt": job.attempt})
    service.changed(job.id)
    service.woken()
    return state


def judged(service: Service, job: Job, result: RunResult) -> Outcome | tuple[Fault, str]:
    """The outcome of a run, or whose fault it is that another attempt is needed, with the problem in words.

    A run that ended as on a broken machine is given back where the course's own solution fared no better there.
    """
    problem = message(result.problem)
    if result.fault in _RETRIED:
        return result.fault, problem
    how: dict[str, Any] = {"sandbox": result.sandbox, "duration_s": result.duration_s}
    if result.report is None or result.fault is not None:
        fault = result.fault or Fault.US
        return Outcome(JobState.FAILED, fault=fault, problem=problem, **how)
    spec = the_spec(service, job.spec_digest)
    comparable = has_solution(spec.lab, spec.lab_path, spec.bundle)
    try:
        report = read_report(result.report, spec.lab)
        ruling = rule(report, read_canary(result.canary, spec.lab), spec.lab, has_solution=comparable)
        body = noted(result.report, report, ruling)
    except UnreadableReport as error:
        return Fault.US, str(error)
    if all(test.verdict is Verdict.MISSING for test in report.tests):
        return Fault.US, "the run reported none of the lab's tests"
    if ruling.given_back is not None:
        return ruling.given_back
    points = score(report, spec.lab)
    per_test = tuple(points.per_test.items())
    how["costs"] = costs_an_attempt(JobState.GRADED, None, report, spec.lab)
    how["detail"] = marks(report, spec.lab)
    return Outcome(JobState.GRADED, body, points.points, points.max_points, per_test, **how)


def stopped(service: Service, job: Job) -> bool:
    """The worker has stopped, as it was asked to."""
    done = service.store.jobs.stopped(job.id, job.attempt, service.clock())
    service.changed(job.id)
    service.woken()
    return done


def worker_beat(service: Service, beat: WorkerBeat) -> None:
    """A worker says that it lives, and what it does."""
    service.store.operations.put_worker(beat, service.clock())
    service.woken()
