"""Tables for other programs: CSV that no spreadsheet runs as a formula, JSON, and Gradescope's gradebook.

Our own CSV files begin with a byte order mark, without which Excel takes UTF-8 for something else; JSON is for
programs. A text that a spreadsheet could read as a formula gets a ' in front, also behind a separator inside it: a
file with commas may be opened as one with semicolons, where quotes protect nothing.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.domain.text import clean

BOM = "\ufeff"
CELL_CHARACTERS = 2_000
_FORMULA = "=+\\-@＝＋－＠"
_STARTS = re.compile(rf" *[{_FORMULA}\t\r\n]")
_INSIDE = re.compile(rf"([,;\t\r\n|][\"'\s]*)(?=[{_FORMULA}])")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?")
Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column: `key` for programs, `title` for people."""

    key: str
    title: str


@dataclass(frozen=True)
class Table:
    """A table with a name for its file. Each row has a cell per column; None is an empty one."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Graded:
    """One student in one lab: what a gradebook wants to know. Times are seconds since 1970, None for nothing handed in.

    `late_s` is how long after their own due time what counts was handed in, 0 if it was in time.
    """

    login: str
    name: str
    email: str
    section: str
    points: int | None
    max_points: int
    submission_id: str = ""
    handed_in_at: float | None = None
    late_s: float = 0.0
    attempts: int = 0


def guarded(text: str) -> str:
    """`text` as a cell that no spreadsheet runs; what is a number stays one."""
    if _NUMBER.fullmatch(text):
        return text
    inside = _INSIDE.sub(r"\1'", text)
    return f"'{inside}" if _STARTS.match(text) else inside


def as_csv(table: Table) -> str:
    """Comma separated, every text quoted, lines ended as spreadsheets want them, with a byte order mark."""
    rows = [tuple(column.title for column in table.columns), *table.rows]
    return BOM + written(([_cell(cell) for cell in row] for row in rows), quoting=csv.QUOTE_NONNUMERIC, end="\r\n")


def as_records(table: Table) -> list[dict[str, Cell]]:
    """One object per row, by the columns' keys, as JSON has it."""
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def gradescope(students: Sequence[Graded]) -> str:
    """A gradebook as Gradescope exports one of an assignment; without a byte order mark, as theirs.

    SID is the login. Views are not counted here, so that their column is empty.
    """
    head = ("First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points", "Status",
            "Submission ID", "Submission Time", "Lateness (H:M:S)", "View Count", "Submission Count")  # fmt: skip
    return written([head, *([_cell(cell) for cell in _gradescope_row(one)] for one in students)], end="\n")


def written(
    rows: Iterable[Sequence[Cell]], *, separator: str = ",", quoting: int = csv.QUOTE_MINIMAL, end: str
) -> str:  # fmt: skip
    """Rows as CSV, cells as they are."""
    lines = _Lines()
    csv.writer(lines, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return "".join(lines.parts)


class _Lines:
    """What csv writes to: a file without a file."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        """Keep it."""
        self.parts.append(text)
        return len(text)


def _cell(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return guarded(clean(cell, CELL_CHARACTERS))
    return "" if cell is None else cell


def _gradescope_row(one: Graded) -> Iterator[Cell]:
    first, _, last = one.name.rpartition(" ")
    yield from (first or last, last if first else "", one.login, one.email, one.section)
    yield from ("" if one.points is None else f"{one.points:.1f}", f"{one.max_points:.1f}")
    yield "Graded" if one.points is not None else "Ungraded" if one.attempts else "Missing"
    yield one.submission_id
    moment = one.handed_in_at
    yield f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S +0000}" if moment is not None else ""
    minutes, seconds = divmod(int(max(0.0, one.late_s)), 60)
    yield from (f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}" if moment is not None else "", "")
    yield one.attempts
