"""Reads the wanted files of a zip archive that is already in memory.

A zip says most things twice, and readers differ in which they believe. One that says two different things of what is
graded is refused: nobody could say which program its author saw.
"""

import io
import stat
import struct
import zipfile
import zlib

from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.placing import MAX_ENTRIES, MAX_TOTAL_BYTES, Entry, Kind, locate, tidy
from grader.domain.submission import MAX_FILE_BYTES, too_large

_ENTRY_SIGNATURE = b"PK\x01\x02"
_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
_END, _END_BYTES = b"PK\x05\x06", 22
_ZIP64_BYTES = 56 + 20  # what stands between the list and the end where some archivers count in 64 bits
#: A local header from its flags on: flags, method, (time, date), CRC, sizes, lengths of name and extra.
_LOCAL = struct.Struct("<HH4xLLLHH")
_SIZES_FOLLOW = 0x8
_IN_ZIP64 = 0xFFFFFFFF
_UNICODE_PATH = 0x7075
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
    _refuse_polyglot(data, name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, name, lab, data)
    except _DAMAGED:
        raise UnreadableSubmission(
            f"{name} is damaged or no zip archive", "make it again and check that it opens"
        ) from None


def _refuse_polyglot(data: bytes, name: str) -> None:
    """What has bytes of something else before or behind it is another file to another reader.

    So is a second archive: the list of files begins where its end says, counted from the first byte, and reaches to it.
    """
    at = data.rfind(_END)
    if at < 0 or len(data) < at + _END_BYTES:
        return  # no zip at all, which zipfile says in its own way
    length, offset, comment = struct.unpack_from("<LLH", data, at + 12)
    whole = offset + length in (at, at - _ZIP64_BYTES) and at + _END_BYTES + comment == len(data)
    if not data.startswith(_BEGINNINGS) or not whole:
        raise UnreadableSubmission(
            f"{name} is not a zip archive alone: there is something before or behind it", "make an ordinary zip"
        )


def _read(archive: zipfile.ZipFile, name: str, lab: Lab, data: bytes) -> tuple[dict[str, bytes], list[str]]:
    infos = archive.infolist()
    if not infos:
        raise UnreadableSubmission(f"{name} is an empty archive", f"put {lab.submission[0]} into it")
    entries = [Entry(tidy(info.orig_filename), _kind(info)) for info in infos]
    by_name = {entry.name: info for entry, info in zip(entries, infos, strict=True)}
    aliases = [Entry(tidy(alias), Kind.OTHER) for info in infos if (alias := _alias(info))]
    files: dict[str, bytes] = {}
    left = MAX_TOTAL_BYTES
    for file, entry in locate([*entries, *aliases], lab).items():
        _refuse_contradiction(by_name[entry.name], file, data)
        files[file] = _contents(archive, by_name[entry.name], file, left)
        left -= len(files[file])
    return files, [entry.name for entry in entries if entry.kind is Kind.FILE]


def _alias(info: zipfile.ZipInfo) -> str:
    """The name that some readers take instead of the other; empty where there is none."""
    at = 0
    while at + 4 <= len(info.extra):
        kind, length = struct.unpack_from("<HH", info.extra, at)
        if kind == _UNICODE_PATH:  # version, CRC of the other name, then this one
            alias = info.extra[at + 9 : at + 4 + length].decode("utf-8", "surrogateescape")
            return "" if alias == info.orig_filename else alias
        at += 4 + length
    return ""


def _refuse_contradiction(info: zipfile.ZipInfo, file: str, data: bytes) -> None:
    """Compare the list at the end of the archive with what stands in front of the file. (zipfile compares names.)"""
    if not 0 <= info.header_offset <= len(data) - 30:
        raise zipfile.BadZipFile
    flags, method, crc, packed, size, *_ = _LOCAL.unpack_from(data, info.header_offset + 6)
    stated = [(method, info.compress_type), (flags & _ENCRYPTED, info.flag_bits & _ENCRYPTED)]
    if not flags & _SIZES_FOLLOW:
        stated += [(crc, info.CRC)]
        stated += [(said, known) for said, known in ((packed, info.compress_size), (size, info.file_size))
                   if said != _IN_ZIP64]  # fmt: skip
    if any(here != there for here, there in stated):
        raise UnreadableSubmission(f"the archive says two different things of {file}", "make it again")


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
