"""`grader course` on a database of its own: what it says, and what it leaves behind."""

import csv
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import __main__ as program
from grader.bootstrap import build_service
from grader.settings import Settings

COURSE = Path(__file__).parents[2] / "labs"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("GRADER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRADER_LABS", str(COURSE))
    monkeypatch.setenv("GRADER_URL", "https://grader.example.org/")
    for name in ("GRADER_DATABASE", "GRADER_BROKER"):
        monkeypatch.delenv(name, raising=False)

    def course(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grader", "course", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            program.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return course


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    file = tmp_path / "roster.csv"
    file.write_text("login,name,role\nada,Ada,student\nbo,@Bo,grader\n", encoding="utf-8")
    return file


def links(text: str) -> list[str]:
    return re.findall(r"https://grader\.example\.org/login\?token=grd_[\w-]+", text)


def test_a_course_is_made_once_and_brought_up_to_date(run: Run) -> None:
    code, out, _ = run("init", "unit-8", "--title", "Unit 8", "--instructor", "prof")
    assert code == 0
    assert "3 labs" in out and "lab-04-speedup-model" in out
    assert len(links(out)) == 1
    code, out, _ = run("init", "unit-8", "--instructor", "prof")
    assert (code, links(out)) == (0, [])
    assert "grader course link prof" in out
    assert "No lab has changed" in run("sync", "unit-8")[1]


def test_an_instructor_keeps_the_name_they_have(run: Run, tmp_path: Path) -> None:
    run("init", "unit-8")
    file = tmp_path / "people.csv"
    file.write_text("login,name\nprof,Professor Plum\n", encoding="utf-8")
    run("import-roster", "unit-8", file)
    run("init", "unit-9", "--instructor", "prof")
    person = build_service(Settings()).store.accounts.person("prof")
    assert person is not None
    assert person.name == "Professor Plum"


def test_links_are_shown_or_written_and_never_lost(run: Run, roster: Path, tmp_path: Path) -> None:
    run("init", "unit-8")
    written = tmp_path / "links.csv"
    code, out, _ = run("import-roster", "unit-8", roster, "--links", written)
    assert code == 0
    assert "2 people in unit-8, 2 of them new" in out
    assert links(out) == []
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    with written.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["login"], row["name"]) for row in rows] == [("ada", "Ada"), ("bo", "'@Bo")]
    assert all(links(row["link"]) for row in rows)

    code, _, err = run("import-roster", "unit-8", roster, "--links", written)
    assert (code, "there already" in err) == (2, True)
    assert len(links(written.read_text(encoding="utf-8"))) == 2

    unused = tmp_path / "unused.csv"
    assert "0 of them new" in run("import-roster", "unit-8", roster, "--links", unused)[1]
    assert run("import-roster", "nothing", roster, "--links", unused)[0] == 2
    assert not unused.exists()

    roster.write_text("login,name\ncy,Cy\n", encoding="utf-8")
    assert len(links(run("import-roster", "unit-8", roster)[1])) == 1
    assert len(links(run("link", "ada")[1])) == 1


def test_a_link_that_cannot_be_written_adds_nobody(run: Run, roster: Path, tmp_path: Path) -> None:
    run("init", "unit-8")
    assert run("import-roster", "unit-8", roster, "--links", tmp_path / "nowhere/links.csv")[0] == 2
    assert "2 of them new" in run("import-roster", "unit-8", roster)[1]


@pytest.mark.parametrize(
    "words", [("init", "Unit 8"), ("sync", "nothing"), ("link", "nobody"), ("import-roster", "nothing", "no-file.csv")]
)
def test_what_cannot_be_done_exits_with_2_and_a_sentence(run: Run, words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
