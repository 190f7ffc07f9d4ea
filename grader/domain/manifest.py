"""Reads one table of a TOML file strictly: every value is asked for by name, and all problems are told together."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import date, time
from difflib import get_close_matches
from typing import Any

from grader.domain.errors import Problem

LONGEST_TEXT = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Table:
    """One table. A getter that finds a problem notes it and returns a stand-in, so that reading goes on.

    `where` is the dotted key of the table, empty for the whole file; `problems` is shared by all tables of a file.
    """

    def __init__(self, data: Mapping[str, Any], where: str, problems: list[Problem]) -> None:
        self._data = data
        self._where = where
        self._asked: set[str] = set()
        self.problems = problems

    def key(self, name: str) -> str:
        """The dotted key of `name` in this table."""
        return f"{self._where}.{name}" if self._where else name

    def wrong(self, name: str, expected: str, found: object) -> None:
        """Note that the value of `name` is not what was expected."""
        self.problems.append(Problem(self.key(name), f"expected {expected}, found {show(found)}"))

    def text(
        self, name: str, default: str | None = None, *, pattern: str = "", expected: str = "one line of text"
    ) -> str:
        """A line of text that is not blank; the whole of it must match `pattern` if given. No default: required."""
        value = self._take(name, default, expected)
        if value is None:
            return ""
        if not _is_line(value) or (pattern and not re.fullmatch(pattern, value)):
            self.wrong(name, expected, value)
            return ""
        return str(value)

    def choice(self, name: str, options: Collection[str], default: str) -> str:
        """One of `options`."""
        value = self._take(name, default, "")
        if not isinstance(value, str) or value not in options:
            self.wrong(name, " or ".join(f'"{option}"' for option in options), value)
            return default
        return value

    def whole(self, name: str, default: int | None = None, *, least: int, most: int) -> int:
        """A whole number within bounds, both allowed. No default: required."""
        expected = f"a whole number from {least} to {most}"
        value = self._take(name, default, expected)
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(name, expected, value)
            return least
        return value

    def wholes(self, name: str, *, least: int, most: int) -> list[int]:
        """A list of whole numbers within bounds, both allowed; an empty one where it is absent."""
        value = self._take(name, [], "")
        whole = isinstance(value, list) and all(type(item) is int and least <= item <= most for item in value)
        if not whole:
            self.wrong(name, f"a list of whole numbers from {least} to {most}", value)
            return []
        return list(value)

    def number(self, name: str, default: float, *, above: float, most: float) -> float:
        """A finite number above one bound and at most the other."""
        value = self._take(name, default, "")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not above < value <= most:
            self.wrong(name, f"a number above {above:g} and at most {most:g}", value)
            return default
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self._take(name, default, "")
        if not isinstance(value, bool):
            self.wrong(name, "true or false", value)
            return default
        return value

    def texts(self, name: str, expected: str) -> list[str]:
        """A list of at least one line of text; required."""
        value = self._take(name, None, expected)
        if value is None:
            return []
        if not isinstance(value, list) or not value or not all(_is_line(item) for item in value):
            self.wrong(name, expected, value)
            return []
        return value

    def table(self, name: str) -> "Table":
        """A table; an empty one where it is absent."""
        value = self._take(name, {}, "")
        if not isinstance(value, dict):
            self.wrong(name, f"a table [{self.key(name)}]", value)
            value = {}
        return Table(value, self.key(name), self.problems)

    def tables(self, name: str) -> list["Table"]:
        """A list of at least one table; required. Their keys count from 1."""
        expected = f"at least one [[{self.key(name)}]]"
        value = self._take(name, None, expected)
        if value is None:
            return []
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            self.wrong(name, expected, value)
            return []
        return [Table(item, f"{self.key(name)}[{i}]", self.problems) for i, item in enumerate(value, start=1)]

    def names(self) -> list[str]:
        """The keys that are there, for a table whose keys are the author's own."""
        return list(self._data)

    def value(self, name: str) -> object:
        """Whatever is there, None for nothing: for what only its reader can check."""
        self._asked.add(name)
        return self._data.get(name)

    def has(self, name: str) -> bool:
        """Whether an optional key is there."""
        self._asked.add(name)
        return name in self._data

    def refuse_unknown(self) -> None:
        """Note every key that was never asked for."""
        for name in sorted(self._data.keys() - self._asked):
            near = get_close_matches(name, self._asked, n=1)
            did_you_mean = f"did you mean {near[0]}?" if near else f"known here are {', '.join(sorted(self._asked))}"
            self.problems.append(Problem(self.key(show(name).strip("'")), f"unknown key; {did_you_mean}"))

    def _take(self, name: str, default: Any, expected: str) -> Any:
        """The value, the default where it is absent, or None where it is required and absent."""
        self._asked.add(name)
        value = self._data.get(name, default)
        if value is None:
            self.problems.append(Problem(self.key(name), f"expected {expected}, found nothing"))
        return value


def _is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= LONGEST_TEXT and not _CONTROL.search(value)


def show(value: object) -> str:
    """A value of the file in a message, shortened. Safe for numbers too large to print."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of about {math.ceil(value.bit_length() / math.log2(10))} digits"
    if isinstance(value, (list, dict)):
        return f"a {'list' if isinstance(value, list) else 'table'} of {len(value)}"
    if isinstance(value, date | time):
        return str(value)
    text = f"{str(value).lower()}" if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
