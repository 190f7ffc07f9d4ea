"""Reads a course's roster from a CSV file as spreadsheets write it, and writes login links as a CSV they can open."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.domain.errors import Refused
from grader.domain.people import Role
from grader.domain.text import clean_line
from grader.steps.courses import LOGIN, TEAM_CHARACTERS, Enrolment

COLUMNS = ("login", "name", "email", "role", "section", "team")
MAX_BYTES = 4 * 1024 * 1024
_SHOWN = 20
#: What a spreadsheet may take for the start of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read(file: Path) -> list[Enrolment]:
    """Everybody in the roster. Raises Refused with every problem and its line."""
    text = _text(file)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    people: list[Enrolment] = []
    problems: list[str] = []
    first_line: dict[str, int] = {}
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        problems += _header_problems(header)
        for row in rows if not problems else ():
            if any(cell.strip() for cell in row):
                line = rows.line_num
                _add(people, problems, first_line, line, header, row)
    except csv.Error as error:
        problems.append(f"line {rows.line_num}: {error}")
    if not people and not problems:
        problems.append("nobody is in it")
    if problems:
        raise _refused(file, problems)
    return people


def _text(file: Path) -> str:
    advice = f"it is a CSV file in UTF-8 with the columns {', '.join(COLUMNS)}"
    try:
        if file.stat().st_size > MAX_BYTES:
            raise Refused(f"{file} is too large for a roster", advice)
        data = file.read_bytes()
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}", advice) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Refused(f"{file} is not UTF-8 text: line {line}", "save it as CSV in UTF-8") from None


def _separator(text: str) -> str:
    """Of comma, semicolon and tab, what the header has most of."""
    header = text.partition("\n")[0]
    return max((",", ";", "\t"), key=header.count)


def _header_problems(header: Sequence[str]) -> list[str]:
    problems = [f"line 1: there is no column {name}" for name in ("login", "name") if name not in header]
    unknown = [name for name in header if name and name not in COLUMNS]
    if unknown:
        problems.append(f"line 1: {clean_line(unknown[0], 60)!r} is none of the columns {', '.join(COLUMNS)}")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    return problems + [f"line 1: the column {name} is there twice" for name in twice]


def _add(
    people: list[Enrolment],
    problems: list[str],
    first_line: dict[str, int],
    line: int,
    header: Sequence[str],
    row: Sequence[str],
) -> None:
    if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
        problems.append(f"line {line}: {len(row)} cells under {len(header)} columns")
        return
    cells = dict(zip(header, (clean_line(cell, 300) for cell in row), strict=False))
    found = _cell_problems(cells)
    login = cells.get("login", "")
    seen = first_line.setdefault(login.casefold(), line)
    if login and seen != line:
        found.append(f"{login!r} is on line {seen} already")
    problems += [f"line {line}: {problem}" for problem in found]
    if not found:
        role = Role(cells.get("role", "").lower() or Role.STUDENT)
        email, section, team = cells.get("email", ""), cells.get("section", ""), cells.get("team")
        people.append(Enrolment(login, cells["name"], email, role, section, team))


def _cell_problems(cells: Mapping[str, str]) -> list[str]:
    problems = []
    login, role, email = cells.get("login", ""), cells.get("role", ""), cells.get("email", "")
    if not login:
        problems.append("there is no login")
    elif not LOGIN.fullmatch(login):
        problems.append(f"{login!r} cannot be a login: use letters, digits and . _ - + @, at most 100")
    if not cells.get("name"):
        problems.append("there is no name")
    if email and (email.count("@") != 1 or " " in email):
        problems.append(f"{email!r} is no e-mail address")
    if len(cells.get("team", "")) > TEAM_CHARACTERS:
        problems.append(f"the name of the team is longer than {TEAM_CHARACTERS} characters")
    if role and role.lower() not in {str(known) for known in Role}:
        problems.append(f"{role!r} is no role: use {', '.join(Role)}")
    return problems


def _refused(file: Path, problems: Sequence[str]) -> Refused:
    shown = [f"  {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > len(shown):
        shown.append(f"  … and {len(problems) - len(shown)} more")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Refused("\n".join([f"{file} has {count}:", *shown]), "Nobody was added. Mend the file and do it again.")


def reserve(file: Path) -> None:
    """Make an empty file that only you can read. Raises Refused, also where there is one: it may hold unused links."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise Refused(f"{file} is there already", "choose another name; unused links in it would be lost") from None
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}", "choose another place") from None


def write_links(file: Path, links: Sequence[tuple[str, str, str]]) -> None:
    """(login, name, link) as CSV into a reserved file. Raises Refused."""
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("login", "name", "link"))
            writer.writerows([inert(cell) for cell in row] for row in links)
    except OSError as error:
        advice = "those people are added; make their links with grader course link"
        raise Refused(f"{file} cannot be written: {error.strerror}", advice) from None


def inert(cell: str) -> str:
    """`cell` such that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
