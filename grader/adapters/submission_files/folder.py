"""Reads the wanted files of a folder without following a link inside it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.adapters.submission_files.opening import read_file
from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.placing import MAX_ENTRIES, Entry, Kind, join, locate, places
from grader.domain.submission import MAX_FILE_BYTES

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def read_folder(path: Path, lab: Lab) -> tuple[dict[str, bytes], list[str]]:
    """The lab's files that are there, and the names of others. Raises UnreadableSubmission and OSError."""
    root = os.open(path, _FOLDER_FLAGS)
    try:
        tree = _Tree(root)
        near = places(lab, [])[:2]
        chosen = locate(tree.around(near, lab), lab) or locate(tree.around(places(lab, tree.folders()), lab), lab)
        files = {file: tree.read(entry.name) for file, entry in chosen.items()}
        return files, [entry.name for entry in tree.listing("") if entry.kind is Kind.FILE]
    finally:
        os.close(root)


class _Tree:
    """The folder that the descriptor `root` is open on. Lists and reads only what it is asked for."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._left = MAX_ENTRIES
        self._listed: dict[str, list[Entry]] = {}

    def around(self, tiers: list[list[str]], lab: Lab) -> list[Entry]:
        """What is in each of these places, and in the folders there that the lab's files are in."""
        inside = {file.rpartition("/")[0] for file in lab.submission}
        candidates = {join(place, folder) for tier in tiers for place in tier for folder in inside}
        return [entry for place in sorted(candidates) for entry in self.listing(place)]

    def folders(self) -> list[str]:
        """The folders at most two deep that are not hidden."""
        first = self._inner("")
        return [*first, *(inner for folder in first for inner in self._inner(folder))]

    def listing(self, place: str) -> list[Entry]:
        """What is in the folder `place`; nothing where there is none."""
        if place not in self._listed:
            self._listed[place] = []
            with suppress(OSError), self._opened(place) as folder:
                self._listed[place] = self._scan(place, folder)
        return self._listed[place]

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        place, _, last = name.rpartition("/")
        with self._opened(place) as folder:
            return read_file(last, name, MAX_FILE_BYTES, folder)

    def _inner(self, place: str) -> list[str]:
        found = [entry.name for entry in self.listing(place) if entry.kind is Kind.FOLDER]
        return [name for name in found if not name.rpartition("/")[2].startswith(".")]

    def _scan(self, place: str, folder: int) -> list[Entry]:
        found = []
        with os.scandir(folder) as entries:
            for entry in entries:
                self._left -= 1
                if self._left < 0:
                    raise UnreadableSubmission(
                        f"the folder holds more than {MAX_ENTRIES:,} files", "hand in only the lab's own folder"
                    )
                found.append(Entry(join(place, entry.name), _kind(entry)))
        return found

    @contextmanager
    def _opened(self, place: str) -> Iterator[int]:
        """The folder `place`, opened step by step: a link on the way reads as no folder."""
        descriptor = os.dup(self._root)
        try:
            for part in place.split("/") if place else ():
                inner = os.open(part, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


def _kind(entry: "os.DirEntry[str]") -> Kind:
    if entry.is_symlink():
        return Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if entry.is_file(follow_symlinks=False) else Kind.OTHER
