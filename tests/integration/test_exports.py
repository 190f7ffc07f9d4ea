"""Tables and gradebooks over HTTP."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from grader.domain.people import Role
from grader.steps import courses
from grader.steps.courses import Enrolment
from grader.web import bounds
from tests.integration.site import Desk
from tests.integration.test_pages import csrf, words
from tests.marking import Class
from tests.rules_of import DAY, course_toml

TABLES = (
    "/c/toy/board", "/c/toy/public", "/c/toy/labs/toy-1/insight", "/c/toy/labs/toy-1/insight?table=tests",
    "/c/toy/labs/toy-1/insight?table=groups", "/c/toy/students/amy", "/c/toy/submissions", "/c/toy/people",
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Amy has 6 points; somebody has a name that spreadsheets would run."""
    one = Desk(tmp_path)
    roster = [Enrolment("amy", "Amy Lee", "amy@uni.edu", Role.STUDENT, "A"),
              Enrolment("eve", '=HYPERLINK("http://evil","x")', "", Role.STUDENT, "a;=1+1")]  # fmt: skip
    courses.enrol(one.service, "toy", roster)
    Class(one.service).hand_in(one.people["amy"], "test_double")
    one.store.standings.list_me("toy", one.people["amy"].person.id, "@owl", True)
    yield one
    one.store.close()


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def form(path: str, kind: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}format={kind}"


@pytest.mark.parametrize("path", TABLES)
def test_every_table_is_there_as_csv_and_json(desk: Desk, path: str) -> None:
    gina = desk.client("gina")
    page = desk.browser("gina").get(path.partition("?")[0]).text
    for kind in ("csv", "json"):
        assert form(path, kind).partition("?")[2] in page.replace("&amp;", "&"), "the page leads to it"
    as_csv = gina.get(form(path, "csv"))
    assert as_csv.content.startswith(b"\xef\xbb\xbf")
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="[\w.-]+\.csv"', as_csv.headers["content-disposition"])
    as_json = gina.get(form(path, "json")).json()
    assert len(rows(as_csv)) == len(as_json) > 0
    for cell in (cell for row in rows(as_csv) for cell in row.values()):
        assert not cell.startswith(("=", "@", "+", "\t")), cell
    assert gina.get(form(path, "xml")).status_code == 422


def test_the_boards_file_holds_everybody_in_the_order_that_was_asked_for(desk: Desk) -> None:
    roster = [Enrolment(f"s{i:04}", f"S {i}", "", Role.STUDENT) for i in range(1_100)]
    courses.enrol(desk.service, "toy", roster)
    found = desk.client("gina").get("/c/toy/board?sort=points&desc=true&format=json").json()
    assert len(found) == 1_103
    assert found[0] == {"login": "amy", "name": "Amy Lee", "section": "A", "toy-1": 6, "points": 6, "max_points": 10,
                        "late_days": 0}  # fmt: skip
    assert [one["login"] for one in desk.client("gina").get("/c/toy/board?search=eve&format=json").json()] == ["eve"]


def test_hostile_names_are_text_in_a_file_and_themselves_in_json(desk: Desk) -> None:
    gina = desk.client("gina")
    (eve,) = (row for row in rows(gina.get("/c/toy/board?format=csv")) if row["Login"] == "eve")
    assert eve["Name"].startswith("'=HYPERLINK") and eve["Section"] == "a;'=1+1"
    assert '=HYPERLINK("http://evil","x")' in [one["name"] for one in gina.get("/c/toy/people?format=json").json()]


def test_a_students_files_hold_only_what_is_theirs(desk: Desk) -> None:
    amy, bob = desk.client("amy"), desk.client("bob")
    assert [one["login"] for one in amy.get("/c/toy/submissions?format=json").json()] == ["amy"]
    assert bob.get("/c/toy/submissions?format=json&login=amy").json() == []
    for path in ("/c/toy/board", "/c/toy/people", "/c/toy/labs/toy-1/insight", "/c/toy/gradebooks"):
        assert bob.get(form(path, "csv")).status_code == 403
    assert bob.get("/c/toy/students/amy?format=csv").status_code == 404


def test_gradescopes_file_tells_how_late_what_counts_is(desk: Desk) -> None:
    desk.store.standings.put_rules("toy", course_toml(due=desk.clock() - DAY - 61))
    answer = desk.client("gina").get("/c/toy/labs/toy-1/gradescope")
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    amy, bob, eve = rows(answer)
    assert (amy["First Name"], amy["Last Name"], amy["SID"], amy["Total Score"]) == ("Amy", "Lee", "amy", "6.0")
    assert (amy["Lateness (H:M:S)"], amy["Email"], amy["Status"]) == ("24:01:01", "amy@uni.edu", "Graded")
    assert (bob["Status"], bob["Total Score"], bob["Submission Count"]) == ("Missing", "", "0")
    assert eve["First Name"].startswith("'=")


GRADEBOOK = (
    "Student,ID,SIS User ID,SIS Login ID,Section,A lab that is graded in no time (12)\n"
    "    Points Possible,,,,,10\n"
    '"Lee, Amy",1,u1,AMY@uni.edu,A,\n'
    '"<b>Ghost</b>",2,u2,ghost,A,3\n'
)


def canvas(client: TestClient, data: bytes, **fields: str) -> Any:
    sent = {"csrf": csrf(client), "lab": "toy-1", **fields}
    return client.post("/c/toy/gradebooks/canvas", data=sent, files={"file": ("grades.csv", data)})


def test_canvas_gets_its_gradebook_back_and_who_is_missing_is_told(desk: Desk) -> None:
    answer = canvas(desk.browser("gina"), GRADEBOOK.encode())
    assert answer.status_code == 200
    said = words(answer)
    assert "1 row of column “A lab that is graded in no time (12)” filled" in said
    assert "nobody in this course: 1" in said and "Ghost" in said and "<b>Ghost" not in answer.text
    assert "without a row in your file: 2" in said and "bob" in said
    link, name = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)" download="([^"]+)"', answer.text)[0]
    assert name == "toy-toy-1-canvas.csv"
    assert base64.b64decode(link).decode().replace("<b>Ghost</b>", '"<b>Ghost</b>"') == GRADEBOOK.replace(
        "A,\n", "A,6\n"
    )


def test_a_column_can_be_named(desk: Desk) -> None:
    answer = canvas(desk.browser("gina"), GRADEBOOK.encode(), column="Quiz (7)")
    assert "of column “Quiz (7)” filled. Your file had no such column" in words(answer)


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"x", "no gradebook of Canvas"), (b"\xff\xfe", "not saved as UTF-8"), (b"", "no gradebook of Canvas"),
     (b"a," * 2_100_000, "larger than 4 MB")],
)  # fmt: skip
def test_what_is_no_gradebook_is_told_on_the_page(desk: Desk, data: bytes, told: str) -> None:
    answer = canvas(desk.browser("gina"), data)
    assert answer.status_code in (400, 409) and told in words(answer) and "export it in Canvas" in words(answer)


def test_an_upload_is_bounded_and_needs_a_file_and_a_lab(desk: Desk) -> None:
    gina = desk.browser("gina")
    assert canvas(gina, b"x" * bounds.GRADEBOOK).status_code == 413
    assert canvas(gina, GRADEBOOK.encode(), lab="nothing").status_code == 404
    without = gina.post("/c/toy/gradebooks/canvas", data={"csrf": csrf(gina), "lab": "toy-1"})
    assert without.status_code == 422 and "holds no file" in words(without)
    assert canvas(desk.browser("amy"), GRADEBOOK.encode()).status_code == 403


def test_json_of_strangers_text_is_no_page(desk: Desk) -> None:
    answer = desk.client("gina").get("/c/toy/board?format=json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert json.loads(answer.text)
