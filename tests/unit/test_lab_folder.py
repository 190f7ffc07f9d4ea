"""A course folder is a shelf of labs; a lab knows the files that judge it."""

import os
from pathlib import Path

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.domain.calibration import read_record
from grader.domain.errors import BadLab, BadManifest, Fault, UnknownLab
from grader.ports import LabShelf
from tests.courses.copies import toy_course

LAB = "phase-08/labs/lab-01-counting"


@pytest.fixture
def course(tmp_path: Path, manifest: str) -> Path:
    """A course with three labs, and things lying about in the first."""
    for name in ("lab-01-counting", "lab-02-sums", "lab-02"):
        folder = tmp_path / "phase-08" / "labs" / name
        folder.mkdir(parents=True)
        (folder / "lab.toml").write_text(manifest.replace("lab-01-counting", name))
        for file in (
            "test_lab.py",
            "solution.py",
            "mutants.py",
            "starter.py",
            "README.md",
            "INSTRUCTOR.md",
            "plots.py",
        ):
            (folder / file).write_text(f"# {file}\n")
    folder = tmp_path / LAB
    for file in ("data/counts.json", "__pycache__/x.pyc", "old.pyc", ".swp", ".cache/x"):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"x")
    (tmp_path / "labkit" / "__pycache__").mkdir(parents=True)
    for file in ("pytest.ini", "conftest.py", "labkit/__init__.py", "labkit/table.csv", "labkit/__pycache__/x.pyc"):
        (tmp_path / file).write_text(f"# {file}\n")
    return tmp_path


def test_every_lab_is_on_the_shelf(course: Path) -> None:
    shelf: LabShelf = CourseFolder(course)
    assert shelf.labs() == ["lab-01-counting", "lab-02", "lab-02-sums"]


def test_a_lab_is_found_by_its_id_or_the_start_of_it(course: Path) -> None:
    shelf = CourseFolder(course)
    assert shelf.find("lab-01").lab.id == shelf.find("lab-01-counting").lab.id == "lab-01-counting"
    assert shelf.find("lab-02").lab.id == "lab-02"
    assert shelf.find("lab-02-").path == "phase-08/labs/lab-02-sums"


def test_an_unknown_lab_is_told_with_those_there_are(course: Path, tmp_path: Path) -> None:
    for name in ("lab-9", "", "../labs", "lab-01-counting/"):
        with pytest.raises(UnknownLab, match="there are lab-01-counting, lab-02, lab-02-sums") as caught:
            CourseFolder(course).find(name)
        assert caught.value.fault is Fault.STUDENT
    with pytest.raises(UnknownLab, match="no lab at all"):
        CourseFolder(tmp_path / "labkit").find("lab-01")


def test_an_ambiguous_start_is_told_with_what_it_matches(course: Path) -> None:
    with pytest.raises(UnknownLab, match="several labs: lab-01-counting, lab-02, lab-02-sums"):
        CourseFolder(course).find("lab")


def test_one_id_in_two_phases_is_refused(course: Path) -> None:
    (course / "phase-09").mkdir()
    (course / LAB).parent.rename(course / "phase-09" / "labs")
    (course / LAB).mkdir(parents=True)
    (course / LAB / "lab.toml").write_text("")
    with pytest.raises(BadLab, match="phase-08/labs/lab-01-counting and phase-09"):
        CourseFolder(course).find("lab-01-counting")


def test_the_bundle_holds_what_judges_and_nothing_else(course: Path) -> None:
    bundle = CourseFolder(course).find("lab-01").bundle()
    own = ("data/counts.json", "lab.toml", "mutants.py", "solution.py", "test_lab.py")
    assert list(bundle) == sorted(
        ["conftest.py", "labkit/__init__.py", "labkit/table.csv", "pytest.ini", *(f"{LAB}/{name}" for name in own)]
    )
    assert bundle["pytest.ini"] == b"# pytest.ini\n"


def test_a_joined_lab_keeps_its_answers_from_the_submission(course: Path) -> None:
    file = course / LAB / "lab.toml"
    file.write_text(file.read_text().replace("order = 1", 'order = 1\nisolation = "joined"'))
    lab = CourseFolder(course).find("lab-01")
    assert not {f"{LAB}/solution.py", f"{LAB}/mutants.py"} & lab.bundle().keys()
    assert {f"{LAB}/{name}" for name in ("solution.py", "mutants.py", "starter.py")} < lab.rehearsal().keys()


def test_a_rehearsal_hands_in_the_examples_of_the_files_beside_the_first(course: Path) -> None:
    file = course / LAB / "lab.toml"
    file.write_text(file.read_text().replace('["starter.py"]', '["starter.py", "guesses.toml"]'))
    (course / LAB / "examples").mkdir(exist_ok=True)
    for name in ("guesses.toml", "examples/guesses.toml", "examples/half_right.py"):
        (course / LAB / name).write_text("x = 1")
    lab = CourseFolder(course).find("lab-01")
    assert {f"{LAB}/guesses.toml", f"{LAB}/examples/guesses.toml"} < lab.rehearsal().keys()
    assert f"{LAB}/examples/half_right.py" not in lab.rehearsal()
    assert not [path for path in lab.bundle() if "guesses" in path]


def test_the_spec_digest_changes_with_what_judges_and_with_nothing_else(course: Path) -> None:
    lab = CourseFolder(course).find("lab-01")
    before = lab.spec_digest()
    for file in (f"{LAB}/README.md", f"{LAB}/starter.py", "labkit/__pycache__/x.pyc"):
        (course / file).write_text("changed")
    assert lab.spec_digest() == before
    (course / "labkit" / "table.csv").write_text("changed")
    assert lab.spec_digest() != before


@pytest.mark.parametrize("link", [f"{LAB}/solution.py", f"{LAB}/data/more", "phase-08/labs/lab-01-linked"])
def test_links_in_a_lab_are_refused(link: str, course: Path) -> None:
    (course / link).unlink(missing_ok=True)
    (course / link).symlink_to(course / LAB if link.endswith("linked") else "/etc")
    with pytest.raises(BadLab, match="is a link"):
        CourseFolder(course).find("lab-01-linked" if link.endswith("linked") else "lab-01-counting")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id = ", "not TOML"),
        (b"# caf\xe9", "UTF-8"),
        (b"#" * (1024**2 + 1), "small TOML file"),
    ],
    ids=["broken", "latin", "large"],
)
def test_a_bad_manifest_is_named_with_its_file(content: bytes, says: str, course: Path) -> None:
    (course / LAB / "lab.toml").write_bytes(content)
    with pytest.raises(BadManifest, match=says) as caught:
        CourseFolder(course).find("lab-01")
    assert caught.value.file == f"{LAB}/lab.toml"


def test_a_lab_is_named_by_its_folder(course: Path) -> None:
    (course / LAB).rename(course / LAB / ".." / "lab-07")
    with pytest.raises(BadManifest, match='expected "lab-07", the name of its folder'):
        CourseFolder(course).find("lab-07")


def test_a_lab_that_is_too_large_is_refused_without_reading_it(course: Path) -> None:
    lab = CourseFolder(course).find("lab-01")
    with (course / LAB / "weights.bin").open("wb") as file:
        os.truncate(file.fileno(), 100 * 1024**2)
    with pytest.raises(BadLab, match="more than 64 MB"):
        lab.bundle()


def test_the_calibration_record_judges_nothing_and_is_no_students_business(course: Path) -> None:
    lab = CourseFolder(course).find("lab-01")
    before = (lab.spec_digest(), lab.rehearsal(), CourseFolder(course).students_copy())
    assert lab.calibration() is None
    lab.keep_calibration("{}\n")
    lab.keep_calibration('{"é": 1}\n')
    assert lab.calibration() == '{"é": 1}\n'
    assert (lab.spec_digest(), lab.rehearsal(), CourseFolder(course).students_copy()) == before
    assert [file.name for file in (course / LAB).iterdir() if "calibration" in file.name] == ["calibration.json"]


def test_a_hostile_calibration_record_is_read_as_far_as_a_real_one_can_be(course: Path) -> None:
    lab = CourseFolder(course).find("lab-01")
    (course / LAB / "calibration.json").write_bytes(b"\xff" * (3 * 1024 * 1024))
    text = lab.calibration()
    assert text is not None
    with pytest.raises(BadManifest, match="1 MB"):
        read_record(text)


def test_a_calibration_record_that_cannot_be_written_is_told(course: Path) -> None:
    lab = CourseFolder(course).find("lab-01")
    (course / LAB / "calibration.json").mkdir()
    with pytest.raises(BadLab, match=r"calibration.json cannot be written"):
        lab.keep_calibration("{}")
    with pytest.raises(BadLab, match=r"calibration.json cannot be read"):
        lab.calibration()


def test_the_rules_are_no_part_of_what_judges_nor_of_what_students_are_given(tmp_path: Path) -> None:
    copy = toy_course(tmp_path / "course")
    before = CourseFolder(copy).find("toy-1").spec_digest()
    assert CourseFolder(copy).rules() == ""
    (copy / "course.toml").write_text("late_days = 2\n", encoding="utf-8")
    shelf = CourseFolder(copy)
    assert shelf.rules() == "late_days = 2\n"
    assert shelf.find("toy-1").spec_digest() == before
    assert [path for path in (*shelf.students_copy(), *shelf.find("toy-1").bundle()) if "course.toml" in path] == []


def test_rules_that_cannot_be_read_are_the_course_authors(tmp_path: Path) -> None:
    copy = toy_course(tmp_path / "course")
    file = copy / "course.toml"
    file.write_bytes(b"x = '\xff'")
    with pytest.raises(BadManifest, match=r"course\.toml: expected text in UTF-8"):
        CourseFolder(copy).rules()
    file.write_bytes(b"#" * 300_000)
    with pytest.raises(BadManifest, match=r"course\.toml: expected a small TOML file, found more than 256 KB"):
        CourseFolder(copy).rules()
    file.unlink()
    file.symlink_to(copy / "pytest.ini")
    with pytest.raises(BadLab, match="is a link"):
        CourseFolder(copy).rules()
