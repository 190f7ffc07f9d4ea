"""Reads the wanted files of a zip archive that is already in memory."""

import io
import stat
import zipfile
import zlib

from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.placing import MAX_ENTRIES, MAX_TOTAL_BYTES, Entry, Kind, locate, tidy
from grader.domain.submission import MAX_FILE_BYTES, too_large

_ENTRY_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: What zipfile raises for damaged archives; found by mutating good ones.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, OverflowError)


def read_zip(data: bytes, name: str, lab: Lab) -> tuple[dict[str, bytes], list[str]]:
    """The lab's files in the archive, and the names of others. `name` is what messages say.

    Raises UnreadableSubmission.
    """
    if data.count(_ENTRY_SIGNATURE) > MAX_ENTRIES:  # before zipfile makes an object of each
        raise UnreadableSubmission(
            f"{name} holds more than {MAX_ENTRIES:,} files", f"hand in only {lab.submission[0]} or the lab's own folder"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, name, lab)
    except _DAMAGED:
        raise UnreadableSubmission(
            f"{name} is damaged or no zip archive", "make it again and check that it opens"
        ) from None


def _read(archive: zipfile.ZipFile, name: str, lab: Lab) -> tuple[dict[str, bytes], list[str]]:
    infos = archive.infolist()
    if not infos:
        raise UnreadableSubmission(f"{name} is an empty archive", f"put {lab.submission[0]} into it")
    entries = [Entry(tidy(info.orig_filename), _kind(info)) for info in infos]
    by_name = {entry.name: info for entry, info in zip(entries, infos, strict=True)}
    files: dict[str, bytes] = {}
    left = MAX_TOTAL_BYTES
    for file, entry in locate(entries, lab).items():
        files[file] = _contents(archive, by_name[entry.name], file, left)
        left -= len(files[file])
    return files, [entry.name for entry in entries if entry.kind is Kind.FILE]


def _contents(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: str, left: int) -> bytes:
    """Reads one byte more than is allowed, whatever size the archive states."""
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableSubmission(f"{file} is encrypted in the archive", "make the archive again without a password")
    if info.compress_type not in _METHODS:
        raise UnreadableSubmission(f"{file} is compressed in a way I do not read", "make an ordinary zip of it")
    limit = min(left, MAX_FILE_BYTES)
    with archive.open(info) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise too_large(file, limit)
    return data


def _kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16  # as Unix archivers leave it; zero from others
    if stat.S_ISLNK(mode):
        return Kind.LINK
    if info.orig_filename.endswith("/") or stat.S_ISDIR(mode):  # is_dir() fails on a name of no letters
        return Kind.FOLDER
    return Kind.FILE if stat.S_IFMT(mode) in (0, stat.S_IFREG) else Kind.OTHER
