"""A graded outcome for people (a table, then each failure once) and for programs (one JSON object)."""

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from grader.domain.diagnosis import diagnose
from grader.domain.report import TestResult, Verdict
from grader.steps.grading import Graded

MARKS = {
    Verdict.PASSED: ("✓", "green"),
    Verdict.FAILED: ("✗", "red"),
    Verdict.ERRORED: ("!", "magenta"),
    Verdict.TIMED_OUT: ("⧖", "yellow"),
    Verdict.CRASHED: ("✗", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    Verdict.MISSING: ("–", "magenta"),
}
OUTPUT_LINES = 12
CLAIM_WIDTH = 140
JOINED = "This lab runs spec and submission in one process: its verdicts are only as honest as the submission."


def as_json(graded: Graded) -> dict[str, Any]:
    """The object `grader grade --json` prints."""
    return {
        "lab": graded.lab.id,
        "score": graded.score.points,
        "max_score": graded.score.max_points,
        "verdicts": [_verdict(graded, result) for result in graded.report.tests],
        "sandbox": graded.sandbox,
        "isolation": graded.isolation,
        "seed": graded.seed,
        "spec_digest": graded.spec_digest,
        "submission_digest": graded.submission_digest,
        "duration_s": round(graded.duration_s, 3),
    }


def _verdict(graded: Graded, result: TestResult) -> dict[str, Any]:
    spec = graded.lab.test(result.name)
    diagnosis = diagnose(result)
    return {
        "test": result.name,
        "verdict": result.verdict.value,
        "points": graded.score.per_test[result.name],
        "max_points": spec.points if spec else 0,
        "duration_s": round(result.duration_s, 4),
        "diagnosis": diagnosis and {"cause": diagnosis.cause, "hint": diagnosis.hint, "message": diagnosis.message},
        "checks": [vars(check) for check in result.checks],
    }


def table(graded: Graded, width: int) -> RenderableType:
    """One row per test: verdict, points, name, seconds; its claim too where `width` columns have room."""
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    rows.add_column("")
    rows.add_column("points", justify="right", no_wrap=True)
    rows.add_column("test", overflow="fold")
    if width >= CLAIM_WIDTH:
        rows.add_column("claim")
    rows.add_column("time", justify="right", no_wrap=True)
    for result in graded.report.tests:
        spec = graded.lab.test(result.name)
        mark, colour = MARKS[result.verdict]
        points = "stretch" if spec is None or spec.stretch else f"{graded.score.per_test[result.name]}/{spec.points}"
        name = Text(result.name.removeprefix("test_"), style="" if result.verdict is Verdict.PASSED else colour)
        claim = [Text(spec.claim if spec else "", style="dim")] if width >= CLAIM_WIDTH else []
        seconds = Text(f"{result.duration_s:.2f} s", style="dim")
        rows.add_row(Text(mark, style=colour), Text(points), name, *claim, seconds)
    return rows


def failures(graded: Graded) -> list[RenderableType]:
    """Each cause once, in the order to mend them, with what the submission printed."""
    parts: list[RenderableType] = []
    for finding in graded.findings:
        _, colour = MARKS[finding.verdict]
        parts += [Rule(style=colour), Text(finding.message)]
        if len(finding.tests) > 1:
            also = ", ".join(name.removeprefix("test_") for name in finding.tests[1:])
            parts.append(Text(f" Same cause: {also}", style="dim"))
        printed = graded.report.of(finding.tests[0]).output.strip()
        if printed:
            lines = printed.splitlines()
            more = f"\n… {len(lines) - OUTPUT_LINES} more lines" if len(lines) > OUTPUT_LINES else ""
            parts.append(Text(" Your code printed:", style="dim"))
            parts.append(Text(_indented("\n".join(lines[:OUTPUT_LINES]) + more), style="dim"))
    return parts


def first_failure(graded: Graded) -> RenderableType:
    """The first cause alone, set off from what is around it."""
    return Text(_indented(graded.findings[0].message))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def total(graded: Graded) -> RenderableType:
    """The score, and how it was judged."""
    full = graded.score.points == graded.score.max_points
    line = Text(f"{graded.lab.title}: ", style="bold")
    line.append(f"{graded.score.points} of {graded.score.max_points} points", style="bold green" if full else "bold")
    how = Text(f"{graded.sandbox}, {graded.isolation}, {graded.duration_s:.1f} s, seed {graded.seed}", style="dim")
    if graded.isolation == "split":
        return Group(line, how)
    return Group(line, how, Text(JOINED, style="yellow"))
