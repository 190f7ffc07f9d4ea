"""The canary: the course's own solution, run where a submission's tests ended as tests end on a broken machine.

It makes no verdict. Its report goes to the grader beside the submission's, and the grader decides whose fault that was.
A run in which nothing of the kind happened starts no canary.
"""

import logging
from dataclasses import replace

from grader.domain.attribution import canary_of, suspects
from grader.domain.errors import UnreadableReport
from grader.domain.report import read_report
from grader.domain.run import MAX_CANARY_BYTES, Assignment, RunResult
from worker import supervisor
from worker.cancellation import Cancellation
from worker.measuring import Measurer
from worker.sandbox import Sandbox

#: Of the time that is left, for starting judge and guest: the rest is the solution's.
START_SECONDS = 30.0

log = logging.getLogger(__name__)


def beside(
    assignment: Assignment,
    result: RunResult,
    sandbox: Sandbox,
    cancellation: Cancellation | None = None,
    measurer: Measurer | None = None,
) -> RunResult:
    """The result of a run of `assignment`, with a canary where it needs one and the time it had leaves room for one.

    A canary that does not come about leaves the result as it is. `cancellation` ends it at once.
    """
    canary = canary_of(assignment, _suspects(assignment, result))
    left = supervisor.longest(assignment) - result.duration_s
    if canary is None or left <= START_SECONDS or (cancellation is not None and cancellation.cancelled):
        return result
    limits = assignment.lab.limits
    shorter = replace(limits, run_seconds=min(limits.run_seconds, left - START_SECONDS))
    canary = replace(canary, lab=replace(assignment.lab, limits=shorter))
    ran = supervisor.run(canary, sandbox, lambda event: None, cancellation, left, measurer)
    if ran.report is None or ran.fault is not None or len(ran.report) > MAX_CANARY_BYTES:
        log.warning("the course's own solution left no report beside a submission: %s", ran.problem or "too large")
        return result
    return replace(result, canary=ran.report)


def _suspects(assignment: Assignment, result: RunResult) -> tuple[str, ...]:
    """The tests to run it on; none where there is nothing to compare with."""
    if result.fault is not None:
        return ()
    try:
        report = read_report(result.report, assignment.lab)
    except UnreadableReport:
        return ()
    return suspects(report, assignment.tests or [test.name for test in assignment.lab.tests])
