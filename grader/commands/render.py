"""A graded outcome for people (a table, then each failure once) and for programs (one JSON object)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from grader.domain.diagnosis import Finding, diagnose
from grader.domain.measurements import Check
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


@dataclass(frozen=True)
class Row:
    """One test as people read it. A stretch test has no points."""

    test: str
    verdict: Verdict
    points: int
    max_points: int
    stretch: bool
    duration_s: float
    claim: str = ""

    @property
    def name(self) -> str:
        """Without what every test's name begins with."""
        return self.test.removeprefix("test_")

    @property
    def worth(self) -> str:
        """What it earned of what it could."""
        return "stretch" if self.stretch else f"{self.points}/{self.max_points}"


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
        "checks": [asdict(check) for check in result.checks],
    }


def rows(graded: Graded) -> list[Row]:
    """One per test, in the lab's order."""
    found = []
    for result in graded.report.tests:
        spec = graded.lab.test(result.name)
        points = graded.score.per_test[result.name]
        most, claim = (spec.points, spec.claim) if spec else (0, "")
        stretch = spec is None or spec.stretch
        found.append(Row(result.name, result.verdict, points, most, stretch, result.duration_s, claim))
    return found


def table(tests: Sequence[Row], width: int) -> RenderableType:
    """One row per test: verdict, points, name, seconds; its claim too where `width` columns have room."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown.add_column("")
    shown.add_column("points", justify="right", no_wrap=True)
    shown.add_column("test", overflow="fold")
    if width >= CLAIM_WIDTH:
        shown.add_column("claim")
    shown.add_column("time", justify="right", no_wrap=True)
    for row in tests:
        mark, colour = MARKS[row.verdict]
        name = Text(row.name, style="" if row.verdict is Verdict.PASSED else colour)
        claim = [Text(row.claim, style="dim")] if width >= CLAIM_WIDTH else []
        seconds = Text(f"{row.duration_s:.2f} s", style="dim")
        shown.add_row(Text(mark, style=colour), Text(row.worth), name, *claim, seconds)
    return shown


def failures(findings: Sequence[Finding], outputs: Mapping[str, str]) -> list[RenderableType]:
    """Each cause once, in the order to mend them, with what the submission printed in its first test."""
    parts: list[RenderableType] = []
    for finding in findings:
        _, colour = MARKS[finding.verdict]
        parts += [Rule(style=colour), Text(finding.message)]
        if len(finding.tests) > 1:
            also = ", ".join(name.removeprefix("test_") for name in finding.tests[1:])
            parts.append(Text(f" Same cause: {also}", style="dim"))
        printed = outputs.get(finding.tests[0], "").strip()
        if printed:
            lines = printed.splitlines()
            more = f"\n… {len(lines) - OUTPUT_LINES} more lines" if len(lines) > OUTPUT_LINES else ""
            parts.append(Text(" Your code printed:", style="dim"))
            parts.append(Text(indented("\n".join(lines[:OUTPUT_LINES]) + more), style="dim"))
    return parts


def calibrated(checks: Iterable[Check]) -> list[RenderableType]:
    """A line for each check of random answers: how much it saw, and how far inside what is allowed it is."""
    return [Text(f"  {_calibrated(check)}", style="dim") for check in checks if check.random and check.name]


def _calibrated(check: Check) -> str:
    seen = f"{check.name}: {check.n or 0:,} draws"
    if check.observed is None or check.allowed is None:
        return seen
    if check.evidence:
        return f"{seen}, evidence 10^{round(check.observed, 1) + 0.0:.1f} of 10^{check.allowed:.1f} allowed"
    return f"{seen}, {check.statistic} {check.observed:.3g} of {check.allowed:.3g} allowed"


def indented(text: str) -> str:
    """Set off from what is around it."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def total(title: str, points: int, most: int, how: str, joined: bool = False) -> RenderableType:
    """The score, and how it was judged."""
    line = Text(f"{title}: ", style="bold")
    line.append(f"{points} of {most} points", style="bold green" if points == most else "bold")
    parts = [line, Text(how, style="dim"), *([Text(JOINED, style="yellow")] if joined else [])]
    return Group(*parts)
