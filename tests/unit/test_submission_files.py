"""Whatever a student hands in, intake reads the lab's files or says in one sentence why not."""

import os
import socket
from pathlib import Path

import pytest

from grader.adapters.submission_files import SubmissionFiles, folder
from grader.adapters.submission_files.opening import read_file
from grader.domain.errors import Fault, UnreadableSubmission
from grader.domain.lab import Lab
from grader.ports import Snapshots

CODE = b"x = 1\n"


def write(root: Path, *names: str) -> Path:
    """Files of CODE in a folder."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(CODE)
    return root


def read(path: Path | str, lab: Lab) -> dict[str, bytes]:
    """What is read from a path."""
    reader: Snapshots = SubmissionFiles(lab)
    return dict(reader.read(str(path)).files)


def refusal(path: Path | str, lab: Lab) -> str:
    """Why a path is refused."""
    with pytest.raises(UnreadableSubmission) as caught:
        SubmissionFiles(lab).read(path)
    assert caught.value.fault is Fault.STUDENT and caught.value.advice and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["starter.py", "my work (2).py", "A.PY"])
def test_a_lone_file_is_the_labs_first_whatever_its_name(name: str, tmp_path: Path, lab: Lab) -> None:
    assert read(write(tmp_path, name) / name, lab) == {"starter.py": CODE}


@pytest.mark.parametrize(
    "place",
    [
        ".", "lab-01-counting", "phase-08/labs/lab-01-counting", "labs/lab-01-counting",
        "course-main/phase-08/labs/lab-01-counting", "repo/lab-01-counting", "anything",
    ],
)  # fmt: skip
def test_a_folder_is_searched_where_courses_keep_labs(place: str, tmp_path: Path, lab: Lab) -> None:
    write(tmp_path / place, "starter.py", "test_lab.py", "notes.py")
    write(tmp_path, "phase-08/labs/lab-02/starter.py", "deep/er/still/starter.py", ".git/starter.py")
    assert read(tmp_path, lab) == {"starter.py": CODE}


def test_the_nearest_place_wins(tmp_path: Path, lab: Lab) -> None:
    write(tmp_path, "lab-01-counting/starter.py", "other/starter.py")
    (tmp_path / "starter.py").write_bytes(b"near = 1")
    assert read(tmp_path, lab) == {"starter.py": b"near = 1"}


def test_two_places_as_good_as_each_other_are_refused(tmp_path: Path, lab: Lab) -> None:
    assert "I found starter.py in a and in b" in refusal(write(tmp_path, "a/starter.py", "b/starter.py"), lab)
    write(tmp_path, "p/labs/lab-01-counting/starter.py", "labs/lab-01-counting/starter.py")
    assert "in labs/lab-01-counting and in p/labs/lab-01-counting" in refusal(tmp_path, lab)


def test_every_file_of_a_lab_is_read_from_one_place(tmp_path: Path, manifest: str) -> None:
    two = Lab.from_toml(manifest.replace('["starter.py"]', '["starter.py", "src/more.py"]'), file="lab.toml")
    write(tmp_path, "hw/starter.py", "hw/src/more.py", "hw/src/other.py")
    assert read(tmp_path, two) == {"starter.py": CODE, "src/more.py": CODE}
    (tmp_path / "hw" / "src" / "more.py").unlink()
    assert "there is no src/more.py, which this lab is graded from" in refusal(tmp_path, two)


def test_a_folder_without_the_file_is_refused_with_what_is_there(tmp_path: Path, lab: Lab) -> None:
    assert "there is no starter.py" in refusal(tmp_path, lab)
    write(tmp_path, "a.py", "Starter.py")
    assert "I found Starter.py and a.py, but this lab is graded from starter.py" in refusal(tmp_path, lab)


@pytest.mark.parametrize("other", ["Starter.py", "ſtarter.py"])
def test_two_spellings_of_one_name_are_refused(other: str, tmp_path: Path, lab: Lab) -> None:
    write(tmp_path, "starter.py", other)
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system takes them for one")
    assert "starter.py is there 2 times" in refusal(tmp_path, lab)


def test_a_link_is_not_followed_wherever_it_is(tmp_path: Path, lab: Lab) -> None:
    secret = write(tmp_path / "away", "starter.py") / "starter.py"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "starter.py").symlink_to(secret)
    assert "starter.py is a link" in refusal(tmp_path / "a", lab)
    assert "starter.py is a link" in refusal(tmp_path / "a" / "starter.py", lab)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "lab-01-counting").symlink_to(secret.parent)
    (tmp_path / "b" / "other").symlink_to(secret.parent)
    assert "there is no starter.py" in refusal(tmp_path / "b", lab)


def test_pipes_devices_and_folders_are_no_files(tmp_path: Path, lab: Lab) -> None:
    os.mkfifo(tmp_path / "starter.py")
    assert "not an ordinary file" in refusal(tmp_path, lab)
    assert "not an ordinary file" in refusal(tmp_path / "starter.py", lab)
    (tmp_path / "a" / "starter.py").mkdir(parents=True)
    assert "starter.py is a folder" in refusal(tmp_path / "a", lab)
    (tmp_path / "null.py").symlink_to("/dev/null")
    assert "is a link" in refusal(tmp_path / "null.py", lab)
    assert "no kind of file" in refusal("/dev/zero", lab)


def test_a_socket_is_no_file(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("starter.py")
        assert "not an ordinary file" in refusal("starter.py", lab)


def test_a_file_of_100_mb_is_refused_by_its_size(tmp_path: Path, lab: Lab) -> None:
    for name in ("starter.py", "big.zip", "big.tar.gz"):
        with (tmp_path / name).open("wb") as file:
            os.truncate(file.fileno(), 100 * 1024**2)
    assert "starter.py is larger than 1 MB" in refusal(tmp_path / "starter.py", lab)
    assert "starter.py is larger than 1 MB" in refusal(tmp_path, lab)
    assert "larger than 16 MB" in refusal(tmp_path / "big.zip", lab)
    assert "larger than 16 MB" in refusal(tmp_path / "big.tar.gz", lab)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file that states a size of 0")
def test_a_file_larger_than_it_says_is_refused_while_it_is_read() -> None:
    with pytest.raises(UnreadableSubmission, match="larger than"):
        read_file("/proc/self/status", "status", 10)


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_ENTRIES", 20)
    write(tmp_path, *(f"{i}/{j}.txt" for i in range(4) for j in range(3)))
    assert "there is no starter.py" in refusal(tmp_path, lab)
    write(tmp_path, *(f"{i}/{j}.md" for i in range(4) for j in range(3)))
    assert "more than 20 files" in refusal(tmp_path, lab)


@pytest.mark.parametrize("name", ["report.pdf", "starter.ipynb", "starter", "starter.rar", "x\x1b[31m.7z"])
def test_another_kind_of_file_is_refused_with_what_to_hand_in(name: str, tmp_path: Path, lab: Lab) -> None:
    said = refusal(write(tmp_path, name) / name, lab)
    assert "hand in starter.py, its folder, or a .zip or .tar of it" in said and "\x1b" not in said


def test_what_is_not_there_or_not_a_path_is_refused(tmp_path: Path, lab: Lab) -> None:
    assert "there is no file or folder nowhere.py" in refusal(tmp_path / "nowhere.py", lab)
    assert "is no path" in refusal("a\0.py", lab)
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000), lab)
    assert "cannot be read" in refusal(write(tmp_path, "a.py") / "a.py" / "b.py", lab)


def test_the_text_of_a_lone_file_is_checked(tmp_path: Path, lab: Lab) -> None:
    (tmp_path / "mine.py").write_bytes(b"\x00")
    assert "is not a text file" in refusal(tmp_path / "mine.py", lab)
