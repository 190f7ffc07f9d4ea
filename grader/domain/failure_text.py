"""labkit's text of a failure, taken apart into its rows, so that each reader can be shown them in another way."""

import re
from collections.abc import Sequence

#: How labkit tells a failure: ` Label     : text`, wrapped with this much before each further line.
_ROW = re.compile(r" (?=\S)(.{10}): (.*)")
_INDENT = 13
_WRAPPED_AT = 78
#: Rows that hold numbers or draw them in text; a place with pictures of its own does without.
NUMBERS = ("Measured", "Allowed", "Needed", "Picture", "Margin")
#: Rows whose lines stay as they are: a picture, a command.
AS_IT_IS = ("Picture", "Margin", "Replay", "Hint")


def rows(message: str) -> tuple[tuple[str, str], ...]:
    """Label and text of each row, in order, without the first line; empty for any other text."""
    lines = message.splitlines()
    if len(lines) < 2 or not lines[0].startswith("[") or not _ROW.fullmatch(lines[1]):
        return ()
    parts: list[tuple[str, list[str]]] = []
    for line in lines[1:]:
        found = _ROW.fullmatch(line)
        if found:
            parts.append((found[1].strip(), [found[2]]))
        else:
            parts[-1][1].append(line[_INDENT:] if not line[:_INDENT].strip() else line)
    return tuple((label, "\n".join(text) if label in AS_IT_IS else _unwrapped(text)) for label, text in parts)


def _unwrapped(lines: Sequence[str]) -> str:
    """Joins lines that were only broken because the next word did not fit."""
    text = lines[0]
    width = len(lines[0])
    for line in lines[1:]:
        first = line.split(" ", 1)[0]
        text += (" " if first and _INDENT + width + 1 + len(first) > _WRAPPED_AT else "\n") + line
        width = len(line)
    return text
