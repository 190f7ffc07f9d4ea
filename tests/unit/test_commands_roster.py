"""A roster as spreadsheets write it: every problem is told with its line, and nobody is added by half."""

import csv
import stat
from pathlib import Path

import pytest

from grader.commands import roster
from grader.domain.errors import Refused
from grader.domain.people import Role
from grader.steps.courses import Enrolment

ADA = Enrolment("ada", "Ada Lovelace", "ada@example.org", Role.STUDENT, "A")
BEN = Enrolment("ben@uni", "Ben Müller; Jr.", "", Role.GRADER, "")
HEADER = "login,name,email,role,section\n"
TEXT = HEADER + 'ada,Ada Lovelace,ada@example.org,student,A\nben@uni,"Ben Müller; Jr.",,Grader,\n'


def file(tmp_path: Path, text: str | bytes) -> Path:
    place = tmp_path / "roster.csv"
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return place


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        ('Login; NAME ;email;role;section\nada;Ada Lovelace;ada@example.org;;A\n\n;;;;\n'
         'ben@uni;"Ben Müller; Jr.";;grader;\n').encode(),
        "name\tlogin\trole\temail\tsection\nAda Lovelace\tada\t\tada@example.org\tA\n"
        "Ben Müller; Jr.\tben@uni\tgrader\n".encode(),
    ],
    ids=["plain", "bom", "utf-16", "windows", "semicolons", "tabs"],
)  # fmt: skip
def test_whatever_spreadsheet_wrote_it(tmp_path: Path, data: bytes) -> None:
    assert roster.read(file(tmp_path, data)) == [ADA, BEN]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["line 1: there is no column login", "line 1: there is no column name"]),
        ("ada,Ada Lovelace\n", ["line 1: there is no column login", "line 1: 'ada' is none of the columns"]),
        ("login,name,name\nx,y,z\n", ["line 1: the column name is there twice"]),
        (HEADER, ["nobody is in it"]),
        (
            HEADER + "ada,Ada,,,\n\nADA,Other,,,\nb c,B,,,\n,C,,,\nd,,,,\ne,E,no-mail,teacher,\nf,F,,,,,x\n",
            [
                "has 7 problems",
                "line 4: 'ADA' is on line 2 already",
                "line 5: 'b c' cannot be a login",
                "line 6: there is no login",
                "line 7: there is no name",
                "line 8: 'no-mail' is no e-mail address",
                "line 8: 'teacher' is no role: use student, grader, instructor",
                "line 9: 7 cells under 5 columns",
            ],
        ),
        (HEADER + 'ada,"Ada\nLovelace",,,\nb c,B,,,\n', ["line 4: 'b c'"]),
        (HEADER + 'ada,"Ada\n', ["line 2: unexpected end of data"]),
        (HEADER + "".join(f"a {n},X,,,\n" for n in range(30)), ["has 30 problems", "… and 10 more"]),
        (HEADER + "a\x1b[2Jb,=cmd,,\x1b]0;t\x07owner,\n", ["'owner' is no role"]),
    ],
)
def test_every_problem_is_told_with_its_line(tmp_path: Path, text: str, problems: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        roster.read(file(tmp_path, text))
    for problem in problems:
        assert problem in refused.value.message
    assert "\x1b" not in refused.value.message
    assert "Nobody was added" in refused.value.advice


@pytest.mark.parametrize("data", [b"login,name\nada,\xff\xfe\n", b"x" * (roster.MAX_BYTES + 1)])
def test_what_is_no_roster_at_all_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Refused):
        roster.read(file(tmp_path, data))
    with pytest.raises(Refused, match="No such file"):
        roster.read(tmp_path / "missing.csv")


def test_links_are_written_for_one_reader_and_no_spreadsheet_runs_them(tmp_path: Path) -> None:
    place = tmp_path / "links.csv"
    roster.reserve(place)
    names = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", 'Ada "Countess", L.']
    roster.write_links(place, [("ada", name, "http://x/login?token=grd_-y") for name in names])
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    with place.open(encoding="utf-8", newline="") as written:
        rows = list(csv.reader(written))
    assert rows[0] == ["login", "name", "link"]
    assert [row[1] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@SUM(1)", "'\t=1", 'Ada "Countess", L.']
    with pytest.raises(Refused, match="there already"):
        roster.reserve(place)
