"""Reads which forge each course is connected to: one table per course in a TOML file that nobody else may read."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grader.domain.errors import BadSettings, Problem
from grader.domain.forge import LOGIN, PLACEHOLDER, Forge, ForgeKind
from grader.domain.manifest import Table

MAX_BYTES = 1024 * 1024
SHORTEST_SECRET = 16
_COURSE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SECRET = re.compile(r"[!-~]+")
_PART = r"[A-Za-z0-9_][A-Za-z0-9._@+-]*"
_REPOSITORY = rf"{_PART}(/{_PART})+"
_KNOWN = ("kind", "url", "webhook_secret", "token", "repositories", "students")


def read_forges(file: Path) -> dict[str, Forge]:
    """The forges by course. Raises BadSettings with every problem, none of which shows a secret."""
    problems: list[Problem] = []
    forges = {}
    for course, data in _data(file).items():
        if not _COURSE.fullmatch(course) or not isinstance(data, dict):
            problems.append(Problem(repr(course[:60]), "expected a table named by a course, such as [phase-08]"))
        else:
            forges[course] = _forge(course, data, problems)
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise BadSettings(f"{file} has {len(problems)} problem{'s' if len(problems) > 1 else ''}:{lines}")
    return forges


def _data(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise BadSettings(f"others may read {file}, which holds secrets", f"chmod 600 {file}")
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadSettings(f"{file} cannot be read: {error.strerror}", "GRADER_FORGES says where it is") from None
    if len(content) > MAX_BYTES:
        raise BadSettings(f"{file} is larger than 1 MB")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        at = re.search(r"\(at .*\)$", str(error))  # the rest could quote a secret
        raise BadSettings(f"{file} is not TOML {at[0] if at else ''}".rstrip()) from None


def _forge(course: str, data: Mapping[str, Any], problems: list[Problem]) -> Forge:
    table = Table(
        {name: value for name, value in data.items() if name not in ("webhook_secret", "token")}, course, problems
    )
    for name in _KNOWN:
        table.has(name)
    kind = table.choice("kind", [str(kind) for kind in ForgeKind], "")
    forge = Forge(
        course=course,
        kind=ForgeKind(kind) if kind else ForgeKind.GITEA,
        url=_url(table),
        webhook_secret=_secret(table, data, "webhook_secret", SHORTEST_SECRET),
        token=_secret(table, data, "token", 1),
        repositories=_pattern(table) if table.has("repositories") else "",
        students=_students(table.table("students")),
    )
    if not table.has("repositories") and not forge.students:
        problems.append(Problem(table.key("repositories"), f'expected a pattern such as "org/phase08-{PLACEHOLDER}"'))
    table.refuse_unknown()
    return forge


def _url(table: Table) -> str:
    expected = "the forge's address, such as https://github.com"
    text = table.text("url", pattern=r"https?://[^\s@?#]+", expected=expected).rstrip("/")
    try:
        good = not text or bool(urlsplit(text).hostname and urlsplit(text).port != 0)
    except ValueError:
        good = False
    if not good:
        table.wrong("url", expected, text)
    return text


def _secret(table: Table, data: Mapping[str, Any], name: str, least: int) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not _SECRET.fullmatch(value) or not least <= len(value) <= 1000:
        many = f"at least {least} " if least > 1 else ""
        found = "something else" if name in data else "nothing"
        text = f"expected {many}printable ASCII characters without spaces, found {found}"
        table.problems.append(Problem(table.key(name), text))
        return ""
    return value


def _pattern(table: Table) -> str:
    expected = f"the full name of a repository with one {PLACEHOLDER} in it, such as org/phase08-{PLACEHOLDER}"
    pattern = table.text("repositories", expected=expected)
    if pattern and (pattern.count(PLACEHOLDER) != 1 or not _is_repository(pattern.replace(PLACEHOLDER, "x"))):
        table.wrong("repositories", expected, pattern)
    return pattern


def _students(table: Table) -> dict[str, str]:
    found = {}
    for name in table.names():
        if not _is_repository(name):
            table.wrong(name[:100], "the full name of a repository, such as org/name", name)
        found[name] = table.text(name, pattern=LOGIN, expected="a login")
    return found


def _is_repository(name: str) -> bool:
    return bool(re.fullmatch(_REPOSITORY, name)) and len(name) <= 400
