"""The labs of a course folder: <phase>/labs/<lab>/lab.toml, beside pytest.ini, conftest.py and labkit/."""

import os
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from grader.domain.calibration import FILE as CALIBRATION
from grader.domain.calibration import MOST_BYTES
from grader.domain.course_rules import FILE as RULES
from grader.domain.course_rules import MOST_BYTES as MOST_RULES_BYTES
from grader.domain.errors import BadLab, BadManifest, Problem, UnknownLab
from grader.domain.lab import Lab
from grader.domain.submission import content_address
from grader.domain.text import clean_line

MANIFEST = "lab.toml"
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
MAX_MANIFEST_BYTES = 1024 * 1024
#: What pytest needs beside the lab's own folder.
COURSE_FILES = ("pytest.ini", "conftest.py")
KIT = "labkit"
#: Answers to show, such as the demo's: no part of what judges.
EXAMPLES = "examples"
#: For people; nothing that a verdict depends on.
_FOR_READERS = ("README.md", "INSTRUCTOR.md", "plots.py", "odds.py", CALIBRATION)
#: The course's own answers. Where submission and spec share a process, the submission could read them.
_ANSWERS = ("solution.py", "mutants.py")
_KEPT_BACK = (*_ANSWERS, "INSTRUCTOR.md", CALIBRATION)


@dataclass(frozen=True)
class LabFolder:
    """One lab: its manifest, and `path`, its folder relative to the course folder `root`."""

    lab: Lab
    path: str
    root: Path

    def bundle(self) -> dict[str, bytes]:
        """The files the judge needs, by path relative to the course folder. Raises BadLab."""
        answers = _ANSWERS if self.lab.isolation == "joined" else ()
        return self._collect({*_FOR_READERS, *self.lab.submission, *answers})

    def rehearsal(self) -> dict[str, bytes]:
        """The bundle with all the course's own answers, the starter among them, and all they hand in. Raises BadLab."""
        return self._collect(set(_FOR_READERS), {f"{EXAMPLES}/{name}" for name in self.lab.submission[1:]})

    def spec_digest(self) -> str:
        """The content address of the bundle: it changes whenever a verdict might. Raises BadLab."""
        return content_address(self.bundle())

    def calibration(self) -> str | None:
        """What calibration.json says, cut where it is larger than one can be; None if there is none. Raises BadLab."""
        file = self.root / self.path / CALIBRATION
        try:
            with file.open("rb") as record:
                return record.read(MOST_BYTES + 1).decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadLab(f"{self.path}/{CALIBRATION} cannot be read: {error.strerror}") from error

    def keep_calibration(self, text: str) -> None:
        """Write calibration.json, the whole of it or nothing. Raises BadLab."""
        file = self.root / self.path / CALIBRATION
        part = file.with_name(f".{CALIBRATION}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(file)
        except OSError as error:
            raise BadLab(f"{self.path}/{CALIBRATION} cannot be written: {error.strerror}") from error

    def _collect(self, left_out: set[str], kept: Set[str] = frozenset()) -> dict[str, bytes]:
        """The files of course and lab but those in `left_out`, and of the examples those in `kept`."""
        course = [self.root / name for name in COURSE_FILES]
        folder = self.root / self.path
        files = [
            *(file for file in course if file.is_file()),
            *_files(self.root / KIT),
            *(file for file in _files(folder) if not _is_left_out(file.relative_to(folder), left_out, kept)),
        ]
        return self._read(files)

    def _read(self, files: list[Path]) -> dict[str, bytes]:
        try:
            if sum(file.stat().st_size for file in files) > MAX_BUNDLE_BYTES:
                raise BadLab(f"{self.path} and {KIT} hold more than {MAX_BUNDLE_BYTES // 1024**2} MB")
            return {file.relative_to(self.root).as_posix(): file.read_bytes() for file in sorted(files)}
        except OSError as error:
            raise BadLab(f"{self.path} cannot be read: {error.strerror}") from error


class CourseFolder:
    """The shelf of labs under the course folder `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def labs(self) -> list[str]:
        """The ids of all labs, sorted; a lab's folder is named by its id."""
        return sorted({folder.name for folder in self._folders()})

    def find(self, prefix: str) -> LabFolder:
        """The lab with this id, or the only one whose id starts so. Raises UnknownLab, BadLab."""
        folders = self._folders()
        exact = [folder for folder in folders if folder.name == prefix]
        matches = exact or [folder for folder in folders if prefix and folder.name.startswith(prefix)]
        shown = clean_line(prefix, 60)
        if not matches:
            known = f"there are {', '.join(self.labs())}" if folders else f"{self._root} holds no lab at all"
            raise UnknownLab(f'no lab is called "{shown}"', known)
        if len(matches) > 1 and exact:
            places = " and ".join(folder.relative_to(self._root).as_posix() for folder in matches)
            raise BadLab(f"two labs have the id {shown}: {places}", "rename one of them")
        if len(matches) > 1:
            names = ", ".join(folder.name for folder in matches)
            raise UnknownLab(f'"{shown}" is the start of several labs: {names}', "write one more letter or digit")
        return self._open(matches[0])

    def rules(self) -> str:
        """What course.toml says, no part of any bundle nor of the students' copy; empty without one. Raises BadLab."""
        file = self._root / RULES
        if file.is_symlink():
            raise _link(file)
        if not file.exists():
            return ""
        return _small_text(file, RULES, MOST_RULES_BYTES)

    def students_copy(self) -> dict[str, bytes]:
        """What students are given to begin with: the course's files without any answer. Raises BadLab."""
        given = [file for file in _files(self._root) if not _is_kept_back(file.relative_to(self._root))]
        try:
            return {file.relative_to(self._root).as_posix(): file.read_bytes() for file in given}
        except OSError as error:
            raise BadLab(f"the course cannot be read: {error.strerror}") from error

    def _folders(self) -> list[Path]:
        return sorted(file.parent for file in self._root.glob(f"*/labs/*/{MANIFEST}"))

    def _open(self, folder: Path) -> LabFolder:
        file = folder / MANIFEST
        name = file.relative_to(self._root).as_posix()
        if folder.is_symlink():
            raise _link(folder)
        _files(folder)
        text = _small_text(file, name, MAX_MANIFEST_BYTES)
        lab = Lab.from_toml(text, file=name)
        if lab.id != folder.name:
            raise BadManifest(
                name, [Problem("id", f'expected "{folder.name}", the name of its folder, found "{lab.id}"')]
            )
        return LabFolder(lab, folder.relative_to(self._root).as_posix(), self._root)


def _small_text(file: Path, name: str, most_bytes: int) -> str:
    """A TOML file's text. Raises BadManifest, in which it goes by `name`."""
    try:
        if file.stat().st_size > most_bytes:
            most = f"{most_bytes // 1024} KB"
            raise BadManifest(name, [Problem("", f"expected a small TOML file, found more than {most}")])
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadManifest(name, [Problem("", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError:
        raise BadManifest(name, [Problem("", "expected text in UTF-8")]) from None


def _is_kept_back(file: Path) -> bool:
    """`file` is relative to the course's folder."""
    return file.name in _KEPT_BACK or EXAMPLES in file.parts or file.as_posix() == RULES


def _is_left_out(file: Path, left_out: Set[str], kept: Set[str]) -> bool:
    return file.as_posix() in left_out or (file.parts[0] == EXAMPLES and file.as_posix() not in kept)


def _files(folder: Path) -> list[Path]:
    """The regular files under `folder`, without hidden ones and Python's caches. Raises BadLab for a link."""
    try:
        return sorted(_walk(folder)) if folder.is_dir() else []
    except OSError as error:
        raise BadLab(f"{folder.name} cannot be read: {error.strerror}") from error


def _walk(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_symlink():
                raise _link(folder / entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name)
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".pyc"):
                yield folder / entry.name


def _link(path: Path) -> BadLab:
    return BadLab(f"{path.parent.name}/{path.name} is a link", "put the file itself into the lab's folder")
