"""What `git push` prints: a job's events as lines of plain text, at most 72 columns where the text is ours.

git puts `remote: ` before each line and shows it as it comes. Nobody knows the width of the pusher's terminal, or
whether it shows colours, so there are none.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from grader.domain.diagnosis import Finding
from grader.domain.errors import Fault
from grader.domain.failure_text import AS_IT_IS, NUMBERS, rows
from grader.domain.job import Job, JobState, Place
from grader.domain.live import LiveEvent
from grader.domain.report import Verdict
from grader.domain.score import Score
from grader.domain.text import clean, clean_line

WIDTH = 72
SHOWN_FINDINGS = 2
LINES_PER_FINDING = 18
_MARKS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.ERRORED: "!",
    Verdict.TIMED_OUT: "✗",
    Verdict.CRASHED: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.MISSING: "–",
}
_WORDS = {Verdict.TIMED_OUT: "timed out", Verdict.CRASHED: "crashed", Verdict.INCONCLUSIVE: "not settled"}
_WHOSE = {Fault.STUDENT: "in your code", Fault.LAB_AUTHOR: "the lab's, not yours"}
_ENDS = {
    JobState.CANCELLED: "Cancelled. Nothing was scored; push again when you like.",
    JobState.SUPERSEDED: "Superseded by your newer submission.",
    JobState.DEAD: "We could not grade this, and that is our fault. The staff see an alarm; nothing is lost.",
}


def place_lines(place: Place, queue: str) -> list[str]:
    """Where the job stands in its queue."""
    turn = f"{place.ahead} before you" if place.ahead else "you are next"
    if place.slots == 0:
        return [
            f"Waiting: {turn}, but no worker of the {queue} queue is up.",
            "Nothing is lost, and you need not wait: it runs as soon as one is.",
        ]
    when = f", about {_duration(place.eta_s)}" if place.ahead and place.eta_s is not None else ""
    return [f"Waiting: {turn}{when}."]


def event_lines(event: LiveEvent) -> list[str]:
    """The lines of one event; none for what the pusher need not know."""
    data = event.data
    if event.kind == "started" and data.get("attempt", 1) > 1:
        return [f"Running again, attempt {data['attempt']}."]
    if event.kind == "test":
        return [_test_line(data)]
    if event.kind == "measuring":
        if data.get("ahead"):
            return [f"Waiting for the engine, {data['ahead']} before you."]
        return ["The engine is measuring; that takes a while."]
    if event.kind == "requeued":
        return ["This attempt broke on our side; that is our fault. It will be run again."]
    return []


def _test_line(data: Mapping[str, Any]) -> str:
    verdict = Verdict(data["verdict"])
    points = "stretch" if data.get("stretch") else f"{data['points']}/{data['max_points']}"
    name = clean_line(str(data["test"]), 200).removeprefix("test_")
    word = f" ({_WORDS[verdict]})" if verdict in _WORDS else ""
    left = f"{_MARKS[verdict]} {points:>7}  {name}{word}"
    return f"{left:<{WIDTH - 7}} {data['duration_s']:5.2f}s"


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """The first causes to mend, each with its text; the rest by name."""
    lines: list[str] = []
    for finding in findings[:SHOWN_FINDINGS]:
        text = _told(clean(finding.message, 4_000))
        more = [f" … {len(text) - LINES_PER_FINDING} more lines on the page"] if len(text) > LINES_PER_FINDING else []
        lines += ["", *text[:LINES_PER_FINDING], *more]
        if len(finding.tests) > 1:
            also = ", ".join(test.removeprefix("test_") for test in finding.tests[1:])
            lines.append(f" Same cause: {clean_line(also, 200)}")
    left = sum(len(finding.tests) for finding in findings[SHOWN_FINDINGS:])
    return [*lines, "", f"{left} more to mend; see the page."] if left else lines


def _told(message: str) -> list[str]:
    """The text of a failure in our width, without its numbers and pictures: those are better on the page."""
    parts = rows(message)
    if not parts:  # anybody's text: set off, so that no line of it reads as one of ours
        return [f"  {line}" for line in message.splitlines()]
    lines = [message.partition("\n")[0]]
    for label, text in parts:
        if label not in NUMBERS:
            lines += _row(label, text)
    return lines


def _row(label: str, text: str) -> Iterator[str]:
    indent = f" {label:<10}: "
    for line in text.splitlines():
        wrapped = [line] if label in AS_IT_IS else textwrap.wrap(line, WIDTH - len(indent), break_on_hyphens=False)
        for part in wrapped or [""]:
            yield f"{indent}{part}".rstrip()
            indent = " " * len(indent)


def score_lines(score: Score, title: str, before: int | None) -> list[str]:
    """The score, and what changed since the last graded submission."""
    line = f"{clean_line(title, 100)}: {score.points} of {score.max_points} points"
    if before is None or before == score.points:
        return ["", line if before is None else f"{line}, as before"]
    return ["", f"{line} ({score.points - before:+d})"]


def end_lines(job: Job) -> list[str]:
    """Why there is no score."""
    if job.state is JobState.FAILED:
        whose = _WHOSE.get(job.fault or Fault.US, "ours, not yours")
        return [
            f"Not graded; the fault is {whose}.",
            *(f"  {line}" for line in clean(job.problem, 500).splitlines()[:5]),
        ]
    return [_ENDS.get(job.state, "")]


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
