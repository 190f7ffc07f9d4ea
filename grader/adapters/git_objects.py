"""What commits of one repository hold, asked from two `git cat-file` that stay until all has been looked at.

A push is compared with several earlier commits for each lab: a process for each question took longer than the grading.
"""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from grader.domain.errors import UnreadableSubmission
from grader.domain.placing import refuse_twins
from grader.domain.submission import MAX_FILE_BYTES, too_large
from grader.domain.text import clean_line
from grader.ports.repositories import Found

FIRST = "refs/grader/first"
COURSE = "refs/heads/course"
PINNED = "refs/grader/sub"
#: What git keeps of one folder: tens of thousands of names. Listing a larger one would cost us gigabytes.
MAX_FOLDER_BYTES = 2 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_LINK, _SUBMODULE, _FOLDER = "120000", "160000", "040000"
_BESIDE = 20
_REMEMBERED = 4_096
Start = Callable[..., "subprocess.Popen[bytes]"]
"""Starts git with these words, its input and output being pipes."""


class Entry(NamedTuple):
    """A name in a folder: git's mode of six digits, and its object."""

    mode: str
    identity: str


class Known(NamedTuple):
    """What an object is, and how many bytes it has."""

    identity: str
    kind: str
    size: int


class Objects:
    """Objects by name. Close it; after `seconds` git is ended, and what is asked then cannot be read."""

    def __init__(self, start: Start, seconds: float) -> None:
        self._start = start
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._late = threading.Timer(seconds, self._kill)
        self._late.daemon = True
        self._late.start()

    def known(self, name: str) -> Known | None:
        """What an object is that git knows by this name; None for none. Raises UnreadableSubmission."""
        if "\n" in name:  # no path of a lab's
            return None
        told = self._asked("--batch-check", name)[0].split()
        return Known(told[0], told[1], int(told[2])) if len(told) == 3 and told[2].isdigit() else None

    def content(self, identity: str) -> bytes:
        """All of an object, which is not too large. Raises UnreadableSubmission."""
        line, rest = self._asked("--batch", identity)
        told = line.split()
        if len(told) != 3 or not told[2].isdigit():
            raise _unreadable()
        data = rest.read(int(told[2]) + 1)
        if len(data) != int(told[2]) + 1:
            raise _unreadable()
        return data[:-1]

    def close(self) -> None:
        """End git."""
        self._late.cancel()
        self._kill()
        for process in self._processes.values():
            process.communicate()

    def _asked(self, how: str, name: str) -> tuple[str, IO[bytes]]:
        """The first line of the answer, and where the rest of it comes from."""
        process = self._processes.get(how)
        if process is None:
            if self._late.finished.is_set():  # nobody would end this one
                raise _unreadable()
            process = self._processes[how] = self._start("cat-file", how)
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
            process.stdin.flush()
        except OSError:
            raise _unreadable() from None
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            raise _unreadable()
        return line.decode("utf-8", "replace"), process.stdout

    def _kill(self) -> None:
        for process in list(self._processes.values()):
            process.kill()


class GitCommits:
    """Satisfies `Commits`. `checked` remembers folders of commits that have no twins above them."""

    def __init__(self, place: Path, objects: Objects, checked: "set[tuple[Path, str, str]]") -> None:
        self._place = place
        self._objects = objects
        self._checked = checked

    def first(self) -> str | None:
        """See `Commits`."""
        return self._at(FIRST)

    def given(self) -> str | None:
        """See `Commits`."""
        return self._at(COURSE)

    def pinned(self, name: str) -> str | None:
        """See `Commits`."""
        return self._at(f"{PINNED}/{name}")

    def read(self, commit: str, paths: Sequence[str]) -> Found:
        """See `Commits`."""
        found = self._objects.known(checked_commit(commit))
        if found is None or found.kind != "commit":
            raise _unreadable()
        folders = sorted({str(PurePosixPath(path).parent) for path in paths})
        for folder in folders:
            self._check_above(commit, folder)
        entries = {name: entry for folder in folders for name, entry in self._listing(commit, folder)}
        files = {}
        for path in paths:
            refuse_twins(path, entries)
            if path in entries:
                files[path] = self._blob(path, entries[path])
        beside = [name for name, entry in entries.items() if name not in files and entry.mode != _FOLDER]
        return Found(files, tuple(clean_line(name, 100) for name in beside[:_BESIDE]))

    def _at(self, ref: str) -> str | None:
        known = self._objects.known(ref)
        return known.identity if known is not None else None

    def _listing(self, commit: str, folder: str) -> list[tuple[str, Entry]]:
        """Everything directly in a folder of the commit, by path; nothing where there is none."""
        known = self._folder(commit, folder)
        if known is None:
            return []
        above = "" if folder == "." else f"{folder}/"
        return [(above + name, entry) for name, entry in _entries(self._objects.content(known.identity), commit)]

    def _folder(self, commit: str, folder: str) -> Known | None:
        """Raises UnreadableSubmission for one that is too large to list."""
        known = self._objects.known(f"{commit}:{'' if folder == '.' else folder}")
        if known is None or known.kind != "tree":
            return None
        if known.size > MAX_FOLDER_BYTES:
            shown = "the commit's own folder" if folder == "." else clean_line(folder, 100)
            raise UnreadableSubmission(f"{shown} holds too many files", "push the course's folders alone")
        return known

    def _check_above(self, commit: str, folder: str) -> None:
        """Refuse a commit whose folders are too large to list, or have a twin: `Labs` beside `labs`."""
        key = (self._place, commit, folder)
        if key in self._checked:
            return
        self._folder(commit, folder)
        above = [str(parent) for parent in PurePosixPath(folder).parents] if folder != "." else []
        for child, parent in zip((folder, *above), above, strict=False):
            refuse_twins(child, [name for name, _ in self._listing(commit, parent)])
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()
        self._checked.add(key)

    def _blob(self, path: str, entry: Entry) -> bytes:
        if entry.mode == _LINK:
            raise UnreadableSubmission(f"{path} is a link", "push the file itself")
        if entry.mode == _SUBMODULE:
            raise UnreadableSubmission(f"{path} is a submodule", "push the file itself")
        if entry.mode == _FOLDER:
            raise UnreadableSubmission(f"{path} is a folder", "push a file of that name")
        known = self._objects.known(entry.identity)
        if known is None:
            raise _unreadable()
        if known.size > MAX_FILE_BYTES:
            raise too_large(path)
        return self._objects.content(known.identity)


def checked_commit(commit: str) -> str:
    """The same, if it is the whole number of a commit. Raises UnreadableSubmission."""
    if not _COMMIT.fullmatch(commit):
        raise UnreadableSubmission("that is no commit", "push again")
    return commit


def _entries(tree: bytes, commit: str) -> Iterator[tuple[str, Entry]]:
    """The names of a tree as git keeps it: mode, space, name, zero, and an identity as long as the commit's."""
    at, length = 0, len(commit) // 2
    while at < len(tree):
        space = tree.index(b" ", at)
        zero = tree.index(b"\0", space)
        end = zero + 1 + length
        name = tree[space + 1 : zero].decode("utf-8", "surrogateescape")
        yield name, Entry(tree[at:space].decode("ascii").zfill(6), tree[zero + 1 : end].hex())
        at = end


def _unreadable() -> UnreadableSubmission:
    return UnreadableSubmission("this commit cannot be read", "push again")
