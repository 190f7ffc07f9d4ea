"""What a test finds where the submission lies: the same as every other test, whatever the one before it did there."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.harness.place import Place

FILES = {"starter.py": b"x = 1\n", "helpers/deep/more.py": b"y = 2\n", "empty.toml": b""}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "work" / "submission", FILES)


def laid(place: Place) -> dict[str, bytes]:
    return {
        str(file.relative_to(place.folder)): file.read_bytes() for file in place.folder.rglob("*") if file.is_file()
    }


def test_the_files_lie_there_as_they_were_handed_in(place: Place) -> None:
    place.folder.parent.mkdir()
    place.lay()
    assert laid(place) == FILES


def _add(folder: Path) -> None:
    (folder / "helpers" / "kept.txt").write_text("for the next test")


def _change(folder: Path) -> None:
    (folder / "starter.py").write_text("x = 3\n")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)


def _replace(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


def _point_elsewhere(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("moved")


def _point_a_file_elsewhere(folder: Path) -> None:
    (folder / "starter.py").unlink()
    (folder / "starter.py").symlink_to("/etc/hostname")


def _forbid(folder: Path) -> None:
    (folder / "helpers" / "kept.txt").write_text("for the next test")
    (folder / "helpers" / "deep").chmod(0)
    (folder / "helpers").chmod(0)
    folder.chmod(0)


def _leave_beside(folder: Path) -> None:
    (folder.parent / "beside").mkdir()
    (folder.parent / "beside" / "kept.txt").write_text("for the next test")
    (folder.parent / "beside").chmod(0)
    os.mkfifo(folder.parent / "pipe")


def _nothing(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    "deed",
    [_nothing, _add, _change, _empty, _replace, _point_elsewhere, _point_a_file_elsewhere, _forbid, _leave_beside],
)
def test_the_next_test_finds_what_the_first_found(place: Place, deed: Callable[[Path], None]) -> None:
    place.folder.parent.mkdir()
    place.lay()
    deed(place.folder)
    place.clear()
    assert list(place.folder.parent.iterdir()) == []
    place.lay()
    assert laid(place) == FILES
    assert not place.folder.is_symlink()


def test_clearing_what_is_clear_does_nothing(place: Place) -> None:
    place.clear()
    place.folder.parent.mkdir()
    place.clear()
    assert list(place.folder.parent.iterdir()) == []


def test_only_process_1_clears_what_others_share(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine of people and not in a sandbox, /tmp is theirs."""
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr("worker.harness.place.SHARED", (str(shared),))
    (shared / "theirs").write_text("stays")
    outside = Place(tmp_path / "work" / "submission", FILES)
    outside.folder.parent.mkdir()
    outside.lay()
    outside.clear()
    assert (shared / "theirs").exists()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    Place(tmp_path / "work" / "submission", FILES).clear()
    assert not (shared / "theirs").exists()
