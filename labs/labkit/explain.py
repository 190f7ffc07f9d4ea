"""The one text every failure is told in, at home and by the grading service."""

import textwrap
from dataclasses import dataclass

from labkit.faults import CheckFailed, StudentFault
from labkit.manifest import Manifest, TestEntry

WIDTH = 78  # a terminal of 80 columns
LABEL = 10


@dataclass(frozen=True)
class Diagnosis:
    """What a report keeps of a failure: a cause to group by, the hint command, and the whole text."""

    cause: str
    hint: str
    message: str


def explain(fault: StudentFault, manifest: Manifest, test: str, seed: int) -> Diagnosis:
    """Tell `fault` of `test`: claim, input, expected and yours, what it looks like, what to try, replay, hint."""
    entry = manifest.entry(test) or TestEntry(test, 0, "")
    function = fault.function or entry.function
    hint = f"python -m labkit hint {manifest.short} {function}" if function in manifest.hints else ""
    given = fault.given if isinstance(fault, CheckFailed) else ""
    expected = fault.expected if isinstance(fault, CheckFailed) else ""
    looks_like = fault.looks_like if isinstance(fault, CheckFailed) else ""
    points = f"{entry.points} point{'' if entry.points == 1 else 's'}" if not entry.stretch else "stretch"
    rows = [
        ("Claim", entry.claim),
        ("Input", given),
        ("Expected", expected),
        ("Yours", fault.sentence),
        ("Looks like", looks_like),
        ("Try", fault.advice or _question(manifest, function)),
        ("Replay", replay_command(manifest, test, seed)),
        ("Hint", hint),
    ]
    lines = [f"[{manifest.short}] {test} - {points}"]
    for label, text in rows:
        if text:
            lines += _row(label, text, wrap=label not in ("Replay", "Hint"))
    return Diagnosis(fault.cause, hint, "\n".join(lines))


def replay_command(manifest: Manifest, test: str, seed: int) -> str:
    """The line that repeats exactly this case at home, from the course folder."""
    root = manifest.folder.parents[2]
    where = manifest.folder.relative_to(root).as_posix()
    return f"LAB_IMPL=starter LAB_SEED={seed} pytest {where} -k {test.split('[', maxsplit=1)[0]}"


def _question(manifest: Manifest, function: str | None) -> str:
    hints = manifest.hints.get(function or "", [])
    return hints[0] if hints else ""


def _row(label: str, text: str, *, wrap: bool) -> list[str]:
    first = f" {label:<{LABEL}}: "
    rest = " " * len(first)
    if not wrap:
        return [first + text]
    out: list[str] = []
    for line in text.splitlines():
        out += textwrap.wrap(
            line, WIDTH, initial_indent=rest if out else first, subsequent_indent=rest, break_on_hyphens=False
        ) or [rest]
    return out
