"""From a submission to a graded outcome: run, read the report, score, explain. Safe to run twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from grader.domain.attribution import has_solution, read_canary, rule, with_notes
from grader.domain.diagnosis import Finding, findings
from grader.domain.errors import Fault, GradingFailed
from grader.domain.lab import Lab
from grader.domain.report import Report, read_report
from grader.domain.run import Assignment, Event
from grader.domain.score import Score, score
from grader.domain.submission import Submission
from grader.ports import LabFolder, Runner
from grader.steps.versions import versions

MACHINE_ADVICE = "run it again when this machine has less to do, or on another one"


@dataclass(frozen=True)
class Graded:
    """One submission graded under one lab, with all it takes to repeat it."""

    lab: Lab
    report: Report
    score: Score
    findings: tuple[Finding, ...]
    sandbox: str
    isolation: str
    seed: int
    spec_digest: str
    submission_digest: str
    duration_s: float


def grade(
    folder: LabFolder,
    submission: Submission,
    seed: int,
    runner: Runner,
    *,
    tests: tuple[str, ...] | None = None,
    at: float = 0.0,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Graded:
    """Run `submission` under the lab in `folder` and judge the report. Raises GradingFailed: nothing is scored then.

    That is also where a test ended as on a broken machine and the course's own solution fared no better on this one.
    `at` is when it was handed in: it has no past.
    """
    told = {name: (version,) for name, version in versions(folder.lab, submission, at).items()}
    assignment = Assignment(folder.lab, folder.bundle(), folder.path, submission, seed, tests, history=told)
    result = runner.run(assignment, on_event)
    if result.report is None or result.fault is not None:
        raise GradingFailed(result.fault or Fault.US, result.problem)
    lab = folder.lab if tests is None else only(folder.lab, tests)
    read = read_report(result.report, lab)
    comparable = has_solution(lab, folder.path, assignment.bundle)
    ruling = rule(read, read_canary(result.canary, lab), lab, has_solution=comparable)
    if ruling.given_back is not None:
        fault, problem = ruling.given_back
        raise GradingFailed(fault, problem, MACHINE_ADVICE)
    report = with_notes(read, ruling)
    return Graded(
        lab=lab,
        report=report,
        score=score(report, lab),
        findings=tuple(findings(report, lab)),
        sandbox=result.sandbox,
        isolation=result.isolation,
        seed=seed,
        spec_digest=folder.spec_digest(),
        submission_digest=submission.digest,
        duration_s=result.duration_s,
    )


def only(lab: Lab, tests: tuple[str, ...]) -> Lab:
    """`lab` with the chosen tests alone: what a partial run is scored under."""
    chosen = tuple(t for t in lab.tests if t.name in tests)
    return replace(lab, tests=chosen, max_score=sum(t.points for t in chosen))
