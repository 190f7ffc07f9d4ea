"""Every table as CSV and JSON: the same page with ?format=csv or ?format=json, for a browser or a program's token."""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from grader.domain.course import CourseLab
from grader.domain.exports import Column, Table, as_csv, as_records
from grader.domain.standings import Standing

#: What a page may be asked for in place of itself.
Format = Annotated[str, Query(pattern="^(csv|json)?$", description="csv or json in place of the page")]
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
NO_STORE = {"Cache-Control": "no-store"}


def columns(**titles: str) -> tuple[Column, ...]:
    """Columns by key."""
    return tuple(Column(key, title) for key, title in titles.items())


def lab_columns(labs: Sequence[CourseLab]) -> list[Column]:
    """A column per lab."""
    return [Column(lab.id, lab.title) for lab in labs]


def points_of(cell: Standing | None) -> int | None:
    """What stands in it."""
    return cell.points if cell else None


def answer(table: Table, form: str) -> Response:
    """The table as a file to keep, or as JSON."""
    if form == "json":
        return JSONResponse(as_records(table), headers=NO_STORE)
    return attachment(as_csv(table), f"{table.name}.csv")


def attachment(text: str, name: str) -> Response:
    """CSV that a browser saves under that name."""
    return Response(
        text.encode("utf-8", "replace"), media_type="text/csv; charset=utf-8",
        headers={**NO_STORE, "Content-Disposition": f'attachment; filename="{file_name(name)}"'},
    )  # fmt: skip


def file_name(name: str) -> str:
    """A name that every file system takes."""
    return _UNSAFE.sub("-", name).strip("-.") or "table"
