"""The one text every failure is told in, at home and by the grading service."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.drawing import histogram, margin
from labkit.faults import CheckFailed, NotMeasured, StudentFault, Undecided
from labkit.manifest import Manifest, TestEntry
from labkit.measured import allowance, in_short, is_random, measurement

WIDTH = 78  # a terminal of 80 columns
LABEL = 10
#: Rows whose text keeps its own lines, as wide as they are.
AS_IT_IS = ("Picture", "Margin", "Replay", "Hint")
NOT_SETTLED = "mend what else is named here first; if nothing is, tell the staff: this check needs more draws"

MEASURE_AGAIN = "nothing is yours to mend here: hand in the same files again, it costs you nothing"


@dataclass(frozen=True)
class Diagnosis:
    """What a report keeps of a failure: a cause to group by, the hint command, and the whole text."""

    cause: str
    hint: str
    message: str


def explain(fault: StudentFault, manifest: Manifest, test: str, seed: int) -> Diagnosis:
    """Tell `fault` of `test`: what happened in plain words, then in numbers, what it looks like and what to try."""
    entry = manifest.entry(test) or TestEntry(test, 0, "")
    function = fault.function or entry.function
    hint = f"python -m labkit hint {manifest.short} {function}" if function in manifest.hints else ""
    points = f"{entry.points} point{'' if entry.points == 1 else 's'}" if not entry.stretch else "stretch"
    rows = [
        ("Claim", entry.claim),
        *(_checked(fault) if isinstance(fault, CheckFailed) else [("Yours", fault.sentence)]),
        ("Try", _try(fault) or _question(manifest, function)),
        ("Replay", "" if entry.measured else replay_command(manifest, test, seed)),
        ("Hint", hint),
    ]
    lines = [f"[{manifest.short}] {test} - {points}"]
    for label, text in rows:
        if text:
            lines += _row(label, text)
    return Diagnosis(fault.cause, hint, "\n".join(lines))


def _try(fault: StudentFault) -> str:
    if isinstance(fault, NotMeasured):
        return MEASURE_AGAIN
    return NOT_SETTLED if isinstance(fault, Undecided) else fault.advice


def _checked(fault: CheckFailed) -> list[tuple[str, str]]:
    """What is told of a check: its case, its numbers, its picture, and the mistake it knows the answers from."""
    check = fault.check or {}
    undecided = isinstance(fault, Undecided)
    return [
        ("In short", in_short(check)),
        ("Input", fault.given),
        ("Expected", fault.expected),
        ("Yours", fault.sentence),
        *_numbers(check),
        ("Looks like", "" if undecided else fault.looks_like),
    ]


def _numbers(check: Mapping[str, Any]) -> list[tuple[str, str]]:
    bars = check.get("bars")
    exact = check.get("kind") == "exact" and check["observed"] is not None and check["allowed"] is not None
    return [
        ("Measured", measurement(check)),
        ("Allowed", allowance(check)),
        ("Needed", str(check.get("needed") or "") if is_random(check) else ""),  # "Expected" has said it else
        ("Picture", "\n".join(histogram(bars, check["false_fail_rate"], check["n"])) if bars else ""),
        ("Margin", margin(check["observed"], check["allowed"]) if exact else ""),
    ]


def replay_command(manifest: Manifest, test: str, seed: int) -> str:
    """The line that repeats exactly this case at home, from the course folder."""
    root = manifest.folder.parents[2]
    where = manifest.folder.relative_to(root).as_posix()
    return f"LAB_IMPL=starter LAB_SEED={seed} pytest {where} -k {test.split('[', maxsplit=1)[0]}"


def _question(manifest: Manifest, function: str | None) -> str:
    hints = manifest.hints.get(function or "", [])
    return hints[0] if hints else ""


def _row(label: str, text: str) -> list[str]:
    first = f" {label:<{LABEL}}: "
    rest = " " * len(first)
    out: list[str] = []
    for line in text.splitlines():
        indent = rest if out else first
        if label in AS_IT_IS:
            out.append(f"{indent}{line}".rstrip())
        else:
            out += textwrap.wrap(
                line, WIDTH, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False
            ) or [rest]
    return out
