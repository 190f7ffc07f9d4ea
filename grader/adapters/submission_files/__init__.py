"""Reads what a student handed in: a file, a folder, or a zip or tar archive. Nothing is ever unpacked to disk.

Only the files the lab names are read, each at most 1 MiB; everything else in a folder or an archive stays unread.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from grader.adapters.submission_files.folder import read_folder
from grader.adapters.submission_files.opening import read_file
from grader.adapters.submission_files.tar_archive import read_tar
from grader.adapters.submission_files.zip_archive import read_zip
from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.placing import MAX_TOTAL_BYTES
from grader.domain.submission import MAX_FILE_BYTES, Submission, check_files, too_large
from grader.domain.text import clean_line

_ARCHIVES = {
    (".zip",): read_zip,
    (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz"): read_tar,
}


class SubmissionFiles:
    """Reads submissions for one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def read(self, path: str | os.PathLike[str]) -> Submission:
        """The files the lab names, from the file, folder or archive at `path`. Raises UnreadableSubmission."""
        place = Path(path)
        name = clean_line(place.name or str(place), 60)
        if "\0" in str(place):
            raise UnreadableSubmission(f"{name} is no path", "check the path")
        try:
            files, beside = self._read(place, name)
        except FileNotFoundError:
            raise UnreadableSubmission(f"there is no file or folder {name}", "check the path") from None
        except OSError as error:
            raise UnreadableSubmission(f"{name} cannot be read: {error.strerror}", "check its permissions") from error
        check_files(files, self._lab, beside)
        return Submission(files)

    def read_bytes(self, name: str, data: bytes) -> Submission:
        """The files the lab names, from an uploaded file or archive called `name`. Raises UnreadableSubmission."""
        shown = clean_line(name, 60)
        files, beside = self._read_bytes(name, shown, data)
        check_files(files, self._lab, beside)
        return Submission(files)

    def _read(self, place: Path, name: str) -> tuple[dict[str, bytes], list[str]]:
        """The wanted files that are there, and names of others beside them."""
        if stat.S_ISDIR(place.stat().st_mode):
            return read_folder(place, self._lab)
        limit = MAX_TOTAL_BYTES if _archive_reader(place.name) else MAX_FILE_BYTES
        self._check_suffix(place.name, name)
        return self._read_bytes(place.name, name, read_file(place, name, limit))

    def _read_bytes(self, name: str, shown: str, data: bytes) -> tuple[dict[str, bytes], list[str]]:
        read_archive = _archive_reader(name)
        if read_archive is None:
            self._check_suffix(name, shown)
            return {self._lab.submission[0]: data}, []
        if not data:
            raise UnreadableSubmission(f"{shown} is empty", "make the archive again")
        if len(data) > MAX_TOTAL_BYTES:
            raise too_large(shown, MAX_TOTAL_BYTES)
        return read_archive(data, shown, self._lab)

    def _check_suffix(self, name: str, shown: str) -> None:
        first = self._lab.submission[0]
        if _archive_reader(name) is None and Path(name).suffix.lower() != Path(first).suffix:
            raise UnreadableSubmission(
                f"{shown} is no kind of file I can grade", f"hand in {first}, its folder, or a .zip or .tar of it"
            )


def _archive_reader(name: str) -> Callable[[bytes, str, Lab], tuple[dict[str, bytes], list[str]]] | None:
    """What reads an archive of that name; None for a name that is no archive's."""
    return next((read for suffixes, read in _ARCHIVES.items() if name.lower().endswith(suffixes)), None)
