"""Tables that leave the service: what hostile text becomes in them, and what gradebooks they speak."""

import csv
import io
import json

import pytest

from grader.domain import canvas
from grader.domain.errors import Refused
from grader.domain.exports import BOM, Column, Graded, Table, as_csv, as_records, gradescope, guarded


def table(*rows: tuple[object, ...]) -> Table:
    return Table("t", (Column("name", "Name"), Column("points", "Points")), rows)  # type: ignore[arg-type]


def read(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline=""), delimiter=separator))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "=cmd|' /C calc'!A0", "-", "+"]
)
def test_what_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert guarded(text).startswith("'")


@pytest.mark.parametrize("text", ["-5", "+5", "3.5", "-3,5", "1e9", "50%", "", "Amy", "O'Neil", "a-b", "x = 1", "3-4"])
def test_what_it_would_not_stays(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize("text", ["a;=1+1", 'a,"=1', "a\n=1", "a\t@x", "Amy; +1", "a\r\n-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_separates_the_cells(text: str, separator: str) -> None:
    for line in as_csv(table((text, 3))).removeprefix(BOM).splitlines():
        for cell in read(line, separator)[0] if line else []:
            assert not cell.lstrip('"').startswith(("=", "+", "-", "@")), cell


def test_names_survive_quotes_commas_and_line_ends() -> None:
    name = 'Ada "the first", née\nByron'
    assert read(as_csv(table((name, 7)))) == [["Name", "Points"], [name, "7"]]


def test_a_file_begins_with_a_mark_and_holds_numbers_as_numbers() -> None:
    text = as_csv(table(("Zoë", -3), ("Bob", None)))
    assert text.encode().startswith(b"\xef\xbb\xbf")
    assert text.splitlines()[1:] == ['"Zoë",-3', '"Bob",""']


def test_escapes_and_unseen_characters_do_not_reach_a_file() -> None:
    assert "\x1b" not in as_csv(table(("\x1b[31mred\u202e", 1)))


def test_json_has_one_object_per_row() -> None:
    assert json.loads(json.dumps(as_records(table(("=x", 1))))) == [{"name": "=x", "points": 1}]


AMY = Graded("amy", "Amy Lee", "amy@uni.edu", "A", 60, 100, "s1", 1_000_000.0, 3_725.0, 3)
BOB = Graded("bob", "Bob", "", "B", None, 100)


def test_gradescopes_gradebook() -> None:
    rows = read(gradescope([AMY, BOB]))
    assert rows[0][:4] == ["First Name", "Last Name", "SID", "Email"]
    assert rows[1] == ["Amy", "Lee", "amy", "amy@uni.edu", "A", "60.0", "100.0", "Graded", "s1",
                       "1970-01-12 13:46:40 +0000", "01:02:05", "", "3"]  # fmt: skip
    assert rows[2] == ["Bob", "", "bob", "", "B", "", "100.0", "Missing", "", "", "", "", "0"]


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (901),Quiz (902),Current Score\n"
    ",,,,,Manual Posting,,\n"
    "    Points Possible,,,,,10,5,(read only)\n"
    '"Lee, Amy",77,u1,amy,A,,4,80\n'
    '"Roe, Bob",78,u2,BOB,B,3,,\n'
    '"Ghost, Gil",79,u3,gil,B,EX,,\n'
    '"Student, Test",80,,x,B,,,\n'
)


def filled(text: str, *students: Graded, titles: tuple[str, ...] = ("Lab 1", "lab-1")) -> canvas.Filled:
    return canvas.fill(text.encode(), titles, 100, students or (AMY, BOB))


def test_canvas_gets_its_file_back_with_the_column_filled() -> None:
    found = filled(CANVAS)
    rows = read(found.text)
    assert rows[3] == ["Lee, Amy", "77", "u1", "amy", "A", "60", "4", "80"]
    assert rows[4][5] == "3", "who has no score keeps what is there"
    assert rows[:3] == read(CANVAS)[:3] and rows[5:] == read(CANVAS)[5:]
    assert (found.column, found.new_column, found.filled) == ("Lab 1 (901)", False, 1)
    assert found.strangers == ("Ghost, Gil gil",)
    assert found.absent == ()


def test_without_a_column_of_that_name_there_is_a_new_one() -> None:
    found = filled(CANVAS, titles=("Lab 9", "lab-9"))
    rows = read(found.text)
    assert [row[8] for row in rows] == ["Lab 9", "", "100", "60", "", "", ""]
    assert found.new_column


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", BOM])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separator_mark_and_line_ends_stay(separator: str, mark: str, end: str) -> None:
    text = mark + end.join([f"Student{separator}ID{separator}SIS Login ID{separator}Section{separator}Lab 1 (1)",
                            f'"Lee; Amy, Jr"{separator}7{separator}amy{separator}A{separator}', ""])  # fmt: skip
    found = filled(text).text
    assert found.startswith(BOM) == bool(mark)
    assert (end in found) and ("\r" in found) == (end == "\r\n")
    assert read(found, separator)[1] == ["Lee; Amy, Jr", "7", "amy", "A", "60"]


def test_an_address_is_an_identity_and_canvas_numbers_only_where_there_is_nothing_better() -> None:
    by_address = "Student,ID,SIS Login ID,Section,Lab 1\nLee,amy,amy@UNI.edu,A,\n"
    assert filled(by_address).filled == 1
    assert filled("Student,ID,SIS Login ID,Section,Lab 1\nLee,amy,other,A,\n").filled == 0
    assert filled("Student,ID,Section,Lab 1\nLee,amy,A,\n").filled == 1


def test_two_rows_of_one_student_are_left_alone_and_told() -> None:
    text = "Student,ID,SIS Login ID,Section,Lab 1\nLee,1,amy,A,\nLee B,2,amy@uni.edu,A,\n"
    found = filled(text)
    assert (found.filled, found.twice) == (0, ("Lee amy", "Lee B amy@uni.edu"))
    assert found.absent == ("bob",)


def test_two_students_with_one_address_match_nobody_by_it() -> None:
    twins = [Graded(name, name, "t@uni.edu", "", 5, 10) for name in ("tim", "tom")]
    assert filled("Student,ID,SIS Login ID,Section,Lab 1\nT,1,t@uni.edu,A,\n", *twins).filled == 0


def test_formulas_in_a_canvas_file_are_quoted_and_its_own_quoting_stays() -> None:
    text = 'Student,ID,SIS Login ID,Section,Lab 1\n=1+1,1,amy,A,-5\n"=""=x""",2,bob,B,\n'
    rows = read(filled(text, BOB).text)
    assert [row[0] for row in rows] == ["Student", "'=1+1", '="=x"']
    assert rows[1][4] == "-5"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no gradebook of Canvas"),
        (b"Name,Points\nAmy,3\n", "no gradebook of Canvas"),
        ("Student,ID,Section\nZoë".encode("latin-1"), "not saved as UTF-8"),
        (b'Student,ID,Section\n"Amy', "no gradebook of Canvas"),
        (b"Student,ID,Section,Lab 1,lab-1 (3)\nAmy,1,A,,\n", "2 columns go by the name"),
        (b"Student,ID,Section,Lab 1\n    Points Possible,,,(read only)\nAmy,1,A,\n", "read only"),
        (b"x" * (canvas.MOST_BYTES + 1), "larger than 4 MB"),
        (b"Student,ID,Section\n" + b"\n" * canvas.MOST_ROWS, "more than 20,000 lines"),
        (b"Student,ID,Section" + b",x" * canvas.MOST_COLUMNS, "more than 2,000 columns"),
        (b"PK\x03\x04\x00\x00", "no gradebook of Canvas"),
    ],
)
def test_what_is_no_gradebook_is_refused_with_what_to_do(data: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told) as refused:
        canvas.fill(data, ("Lab 1", "lab-1"), 100, [AMY])
    assert refused.value.advice
