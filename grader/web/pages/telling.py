"""Sets labkit's text of a failure line by line, better than a terminal can."""

import re
from dataclasses import dataclass

from grader.domain.failure_text import NUMBERS, rows

#: Lines that hold code, or what came of it: shown letter for letter.
_LITERAL = ("Input", "Expected", "Yours", "Picture", "Margin", "Replay", "Hint")
#: What is offered for copying into a terminal: nothing that a report could have made up.
_COMMAND = re.compile(r"LAB_IMPL=starter LAB_SEED=\d+ pytest [\w/-]+ -k \w+|python -m labkit hint [\w-]+ \w+", re.ASCII)


@dataclass(frozen=True)
class Told:
    """One line of a diagnosis. `lead` marks the plain summary, `command` what can be run as it stands."""

    label: str
    text: str
    literal: bool
    command: bool
    lead: bool


def told(message: str, *, measured: bool = False) -> tuple[Told, ...]:
    """The lines of a failure as labkit tells it, but for those the page tells by itself; empty for any other text.

    `measured`: the page shows numbers and pictures of its own, so those of the text are left out.
    """
    elsewhere = ("Claim", *NUMBERS) if measured else ("Claim",)
    return tuple(
        Told(label, text, label in _LITERAL, _COMMAND.fullmatch(text) is not None, label == "In short")
        for label, text in rows(message)
        if label not in elsewhere
    )
