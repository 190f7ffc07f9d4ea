"""A stranger's TOML file, read within bounds: whatever it holds, reading it ends soon, and its mistakes are told."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any

MOST_CHARACTERS = 12_000
#: A key can only be as deep as its line is long: longer ones would take long to read.
LONGEST_LINE = 400
LARGEST = 1e6
REASON = (12, 300)
MOST_UNKNOWN = 5


class BadFile(ValueError):
    """What is wrong with a file, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def parsed(text: str) -> dict[str, Any]:
    """The file's tables. Raises BadFile."""
    if len(text) > MOST_CHARACTERS:
        raise BadFile([f"the file is too long: at most {MOST_CHARACTERS:,} characters"])
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            raise BadFile([f"line {number} is too long: at most {LONGEST_LINE} characters"])
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise BadFile(["the file nests too deeply: it needs nothing but tables of numbers and texts"]) from None
    except ValueError as error:
        raise BadFile([f"this is not TOML: {_one_line(str(error))[:200]}"]) from None


class Table:
    """One quantity's table, and what is wrong with it."""

    def __init__(self, name: str, value: object, tell: Callable[[str], None]) -> None:
        self._name = name
        self._tell = tell
        self._values: Mapping[str, Any] = value if isinstance(value, dict) else {}
        self._left = dict.fromkeys(self._values)
        self._there = isinstance(value, dict)
        if not self._there:
            tell(f"[{name}] is missing" if value is None else f"{name} must be a table: a line that says [{name}]")

    def wrong(self, sentence: str) -> None:
        """Tell what is wrong with it."""
        if self._there:
            self._tell(f"[{self._name}] {sentence}")

    def number(self, key: str, least: float, most: float) -> float | None:
        """A number from `least` to `most`, which is finite."""
        value = self._taken(key)
        if _is_number(value) and least <= value <= most:
            return float(value)
        self.wrong(f"{key} must be a number from {least:g} to {most:g}, found {shown(value)}")
        return None

    def among(self, key: str, of: Sequence[float]) -> float | None:
        """One of a few numbers."""
        value = self._taken(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value in of:
            return float(value)
        self.wrong(f"{key} must be one of {', '.join(f'{one:g}' for one in of)}, found {shown(value)}")
        return None

    def word(self, key: str, of: Sequence[str]) -> str | None:
        """One of a few words."""
        value = self._taken(key)
        if isinstance(value, str) and value in of:
            return value
        self.wrong(f"{key} must be one of {', '.join(of)}, found {shown(value)}")
        return None

    def reason(self) -> str | None:
        """One line of why."""
        value = self._taken("reason")
        text = _one_line(value) if isinstance(value, str) else ""
        if REASON[0] <= len(text) <= REASON[1]:
            return text
        found = f"{len(text)} characters" if isinstance(value, str) else shown(value)
        self.wrong(f"reason must say in one line why: {REASON[0]} to {REASON[1]} characters, found {found}")
        return None

    def refuseunknown(self, known: Sequence[str]) -> None:
        """Tell of keys that nobody has asked for."""
        for key in islice(self._left, MOST_UNKNOWN):
            self.wrong(unknown(key, known))

    def _taken(self, key: str) -> Any:
        self._left.pop(key, None)
        return self._values.get(key)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shown(value: object) -> str:
    """A value in a sentence: short, and never the inside of a list or a table, which may be deep."""
    if value is None:
        return "nothing"
    if isinstance(value, (bool, int, float)):
        return repr(value)[:40].lower()
    if isinstance(value, str):
        return f'the text "{_one_line(value[:40])}"'
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a date or a time"


def unknown(key: str, known: Sequence[str], where: str = "") -> str:
    """The sentence about a key that has no meaning."""
    told = _one_line(key[:40])
    meant = get_close_matches(told, known, 1)
    return f'{where}nobody asked for "{told}"' + (f"; did you mean {meant[0]}?" if meant else "")
