"""Canvas: a gradebook that was exported there comes back with one column filled, so that all its ids are right.

What is read (instructure/canvas-lms, lib/gradebook_exporter.rb): a head of `Student` (or `LastName`, `FirstName`),
`ID`, `SIS User ID`, `SIS Login ID`, …, `Section` and one column per assignment, `Title (12345)`; then perhaps a row
about posting, then `    Points Possible`, then a row per student. Separated by commas or semicolons, with or without
a byte order mark. Everything that is not filled stays as it was.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.domain.errors import Refused
from grader.domain.exports import BOM, Graded, guarded, written
from grader.domain.text import clean_line

MOST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 2_000
SEPARATORS = (",", ";", "\t")
#: Where a row says who it is, the surest first. Canvas's own number may be somebody else's number of ours, so that it
#: is read only where there is nothing better.
IDENTITIES = ("sis login id", "sis user id", "integration id", "email")
OWN_IDENTITY = "id"
#: The student that Canvas makes for whoever teaches.
TEST_STUDENT = ("student, test", "student")
READ_ONLY = "(read only)"
_POSSIBLE = "points possible"
_NUMBERED = re.compile(r"\s*\(\d+\)\s*$")
#: Canvas's own way to keep a name from being a formula.
_QUOTED = re.compile(r'="[^"]*"')
_ADVICE = "export it in Canvas (Gradebook, Export) and upload that file as it is"


@dataclass(frozen=True)
class Filled:
    """The file with the `column` filled for `filled` students.

    `strangers` are its rows that are nobody's of ours, `twice` rows of ours whose student has another row as well,
    `absent` are logins of ours that it has no row for.
    """

    text: str
    column: str
    new_column: bool
    filled: int
    strangers: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def fill(data: bytes, titles: Sequence[str], max_points: int, students: Sequence[Graded]) -> Filled:
    """The gradebook with the column of this lab filled; `titles` are names it may go by, the first names a new one.

    Students without points keep what they have there. Raises Refused where this is no such file.
    """
    text = _text(data)
    rows, separator = _rows(text)
    first = _first_student(rows)
    found = _column(rows[0], rows[first - 1] if first > 1 else (), titles)
    at = len(rows[0]) if found is None else found
    for row in rows:
        row.extend([""] * (at + 1 - len(row)))
    if found is None:
        rows[0][at] = titles[0]
        if first > 1:
            rows[first - 1][at] = str(max_points)
    filled, strangers, twice, absent = _filled(rows[0], rows[first:], at, students)
    end = "\r\n" if "\r\n" in text else "\n"
    body = written([[_safe(cell) for cell in row] for row in rows], separator=separator, end=end)
    mark = BOM if text.startswith(BOM) else ""
    return Filled(mark + body, clean_line(rows[0][at], 200), found is None, filled, strangers, twice, absent)


def _filled(
    head: Sequence[str], rows: Sequence[list[str]], at: int, students: Sequence[Graded]
) -> tuple[int, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Puts points into column `at`: how many, and whose rows or whom it could not."""
    names = [cell.strip().casefold() for cell in head]
    identities = [name for name in IDENTITIES if name in names] or [OWN_IDENTITY]
    columns = [names.index(name) for name in identities]
    known = _by_identity(students)
    whose = [_whose(row, columns, known) for row in rows]
    counted = Counter(one.login for one in whose if one is not None)
    filled, strangers, twice = 0, [], []
    for row, one in zip(rows, whose, strict=True):
        if one is None:
            strangers.append(_called(row, columns))
        elif counted[one.login] > 1:
            twice.append(_called(row, columns))
        elif one.points is not None:
            row[at] = str(one.points)
            filled += 1
    absent = tuple(one.login for one in students if not counted[one.login])
    return filled, tuple(filter(None, strangers)), tuple(twice), absent


def _text(data: bytes) -> str:
    """The file as text."""
    if len(data) > MOST_BYTES:
        raise Refused(f"this file is larger than {MOST_BYTES // 1024**2} MB", _ADVICE)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("this file is not saved as UTF-8", _ADVICE) from None


def _rows(text: str) -> tuple[list[list[str]], str]:
    """Its rows, and what separates cells."""
    lines = [f"{line}\n" for line in text.removeprefix(BOM).split("\n")]
    if len(lines) > MOST_ROWS:
        raise Refused(f"this file has more than {MOST_ROWS:,} lines", _ADVICE)
    for separator in SEPARATORS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator, strict=True) if row]
        except csv.Error:
            continue
        head = [cell.strip().casefold() for cell in rows[0]] if rows else []
        if len(head) > MOST_COLUMNS:
            raise Refused(f"this file has more than {MOST_COLUMNS:,} columns", _ADVICE)
        if "section" in head and any(name in head for name in (*IDENTITIES, OWN_IDENTITY)):
            return rows, separator
    raise Refused("this is no gradebook of Canvas: its first line needs Section, and SIS Login ID or ID", _ADVICE)


def _first_student(rows: Sequence[Sequence[str]]) -> int:
    """Behind the head, the row about posting and that of possible points, where there are any."""
    for index, row in enumerate(rows[:4]):
        if row[0].strip().casefold() == _POSSIBLE:
            return index + 1
    return 1


def _column(head: Sequence[str], possible: Sequence[str], titles: Sequence[str]) -> int | None:
    """Where the lab's column is; None if there is none. Raises Refused for two, or one that Canvas does not read."""
    wanted = {title.strip().casefold() for title in titles}
    found = [
        index for index, cell in enumerate(head)
        if {cell.strip().casefold(), _NUMBERED.sub("", cell).strip().casefold()} & wanted
    ]  # fmt: skip
    if len(found) > 1:
        raise Refused(
            f"{len(found)} columns go by the name of this lab", "name the column with its number, as in (12345)"
        )
    if found and READ_ONLY in (head[found[0]].casefold(), *possible[found[0] : found[0] + 1]):
        raise Refused("Canvas does not read this column: it is marked (read only)", "choose an assignment's column")
    return found[0] if found else None


def _by_identity(students: Sequence[Graded]) -> Mapping[str, Graded | None]:
    """Students by login and address; None where two share one."""
    found: dict[str, Graded | None] = {}
    for one in students:
        for name in {one.login.strip().casefold(), one.email.strip().casefold()} - {""}:
            found[name] = None if name in found else one
    return found


def _whose(row: Sequence[str], columns: Sequence[int], known: Mapping[str, Graded | None]) -> Graded | None:
    named = (known.get(row[at].strip().casefold()) for at in columns if at < len(row))
    return next((one for one in named if one is not None), None)


def _called(row: Sequence[str], columns: Sequence[int]) -> str:
    """What a row is told by, its name and the surest id it has; empty for the student that Canvas made up."""
    name = row[0].strip()
    if name.casefold() in TEST_STUDENT:
        return ""
    ids = (row[at].strip() for at in columns if at < len(row))
    return clean_line(" ".join(filter(None, (name, next(filter(None, ids), "")))), 120)


def _safe(cell: str) -> str:
    """A cell as it was, but for one that a spreadsheet would run."""
    return cell if _QUOTED.fullmatch(cell) else guarded(cell)
