"""Takes labkit's text of a failure apart into its lines, so that a page can set them better than a terminal can."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

#: How labkit tells a failure: ` Label     : text`, wrapped with this much before each further line.
_LINE = re.compile(r" (?=\S)(.{10}): (.*)")
_INDENT = 13
_WRAPPED_AT = 78
#: Lines that hold code, or what came of it: shown letter for letter.
_LITERAL = ("Input", "Expected", "Yours", "Replay", "Hint")
#: What is offered for copying into a terminal: nothing that a report could have made up.
_COMMAND = re.compile(r"LAB_IMPL=starter LAB_SEED=\d+ pytest [\w/-]+ -k \w+|python -m labkit hint [\w-]+ \w+", re.ASCII)


@dataclass(frozen=True)
class Told:
    """One line of a diagnosis. `command` marks what can be run as it stands."""

    label: str
    text: str
    literal: bool
    command: bool


def told(message: str) -> tuple[Told, ...]:
    """The lines of a failure as labkit tells it, but for those the page tells by itself; empty for any other text."""
    lines = message.splitlines()
    if len(lines) < 2 or not lines[0].startswith("[") or not _LINE.fullmatch(lines[1]):
        return ()
    parts: list[tuple[str, list[str]]] = []
    for line in lines[1:]:
        found = _LINE.fullmatch(line)
        if found:
            parts.append((found[1].strip(), [found[2]]))
        else:
            parts[-1][1].append(line[_INDENT:] if not line[:_INDENT].strip() else line)
    return tuple(
        Told(label, text, label in _LITERAL, _COMMAND.fullmatch(text) is not None)
        for label, text in ((label, _unwrapped(lines)) for label, lines in parts)
        if label != "Claim"
    )


def _unwrapped(lines: Sequence[str]) -> str:
    """Joins lines that were only broken because the next word did not fit."""
    text = lines[0]
    width = len(lines[0])
    for line in lines[1:]:
        first = line.split(" ", 1)[0]
        text += (" " if first and _INDENT + width + 1 + len(first) > _WRAPPED_AT else "\n") + line
        width = len(line)
    return text
