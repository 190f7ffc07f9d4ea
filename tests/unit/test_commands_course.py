"""`grader course` on a database of its own: what it says, and what it leaves behind."""

import csv
import re
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import __main__ as program
from grader.bootstrap.service import build_service
from grader.settings import Settings
from tests.courses.copies import LAB, toy_course

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
    assert "4 labs" in out and "lab-04-speedup-model" in out
    assert len(links(out)) == 1
    code, out, _ = run("init", "unit-8", "--instructor", "prof")
    assert (code, links(out)) == (0, [])
    assert "grader course link prof" in out
    assert "No lab has changed" in run("sync", "unit-8")[1]


def test_files_that_change_are_given_out_by_a_sync(run: Run, tmp_path: Path) -> None:
    folder = toy_course(tmp_path / "labs")
    run("init", "unit-8", "--labs", folder)
    assert "beside their own work" not in run("sync", "unit-8")[1]
    (folder / LAB / "README.md").write_text("Mended\n", encoding="utf-8")
    code, out, err = run("sync", "unit-8")
    assert (code, err) == (0, "")
    assert "No lab has changed" in out and "git pull --no-rebase origin course" in out


def test_without_git_a_course_is_set_up_and_who_set_it_up_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = run("init", "unit-8", "--labs", toy_course(tmp_path / "labs"))
    assert code == 0
    assert "1 lab" in out
    assert "Nobody can clone this course: the program git is not installed" in err


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


DUE = """\
timezone = "Europe/Berlin"
[labs.lab-01-ngram-spec-decode]
due = 2026-12-01T18:00:00
groups = true
"""


@pytest.fixture
def own_labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The course's labs in a folder where a test may change their rules."""
    folder = tmp_path / "labs"
    shutil.copytree(COURSE, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    return folder


def test_rules_are_read_by_a_sync_and_an_extension_is_told_in_the_courses_zone(
    run: Run, own_labs: Path, roster: Path
) -> None:
    run("init", "unit-8", "--labs", own_labs)
    run("import-roster", "unit-8", roster)
    (own_labs / "course.toml").write_text(DUE, encoding="utf-8")
    assert run("sync", "unit-8")[:2] == (0, "course.toml: these rules hold from now on\n")
    told = run("extend", "unit-8", "lab-01", "ada", "--days", "1", "--hours", "2", "--note", "was ill")
    assert told[:2] == (0, "lab-01-ngram-spec-decode is due 02 Dec 2026, 20:00 CET for ada\n")
    [entry] = [
        one for one in build_service(Settings()).store.operations.audit("unit-8") if "extension" in one["action"]
    ]
    assert (entry["actor"], entry["subject"], entry["detail"]["note"]) == ("operator", "ada", "was ill")
    assert "is due 01 Dec 2026, 18:00 CET" in run("extend", "unit-8", "lab-01", "ada")[1]


def test_bad_rules_are_told_with_every_problem_and_nothing_changes(run: Run, own_labs: Path) -> None:
    run("init", "unit-8", "--labs", own_labs)
    (own_labs / "course.toml").write_text(f"{DUE}\n[labs.lab-02]\ndue = 1\n[polcy]\n", encoding="utf-8")
    code, _, err = run("sync", "unit-8")
    assert code == 3
    assert "course.toml has 2 problems" in err and "labs.lab-02" in err and "did you mean policy?" in err
    assert build_service(Settings()).store.standings.rules("unit-8").timezone == "UTC"


@pytest.mark.parametrize(
    ("words", "why"),
    [(("unit-8", "lab-01", "nobody"), "nobody in unit-8 has the login"), (("unit-9", "lab-01", "ada"), "no course"),
     (("unit-8", "lab-9", "ada"), "no lab is called"), (("unit-8", "lab-03", "ada"), "nothing to extend"),
     (("unit-8", "lab-01", "ada", "--days", "400"), "0 to 366 days")],
)  # fmt: skip
def test_an_extension_that_makes_no_sense_is_refused(
    run: Run, own_labs: Path, roster: Path, words: tuple[str, ...], why: str
) -> None:
    run("init", "unit-8", "--labs", own_labs)
    run("import-roster", "unit-8", roster)
    (own_labs / "course.toml").write_text(DUE, encoding="utf-8")
    run("sync", "unit-8")
    code, _, err = run("extend", *words)
    assert (code, why in err) == (2, True), err


def test_teams_come_from_the_roster_or_one_by_one(run: Run, tmp_path: Path) -> None:
    run("init", "unit-8")
    file = tmp_path / "teams.csv"
    file.write_text("login,name,team\nada,Ada,owls\nbo,Bo,owls\ncy,Cy,\n", encoding="utf-8")
    assert run("import-roster", "unit-8", file)[0] == 0
    assert run("team", "unit-8", "cy", "owls")[1] == "Together now: ada, bo, cy\n"
    assert run("team", "unit-8", "ada", "")[1] == "ada is alone now\n"
    file.write_text("login,name\nbo,Bo\n", encoding="utf-8")
    run("import-roster", "unit-8", file)
    assert "bo, cy" in run("team", "unit-8", "cy", "owls")[1], "without the column everybody stays where they are"
    assert run("team", "unit-8", "nobody", "owls")[0] == 2
