"""Reads the wanted files of a tar archive that is already in memory.

What is needed of the format fits on a page and runs in time linear in the archive. The standard library's reader has
hung on crafted headers (CVE-2024-6232, CVE-2025-8194), and only some of the Pythons we run on have the repair.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.placing import MAX_ENTRIES, MAX_TOTAL_BYTES, Entry, Kind, locate, tidy
from grader.domain.submission import MAX_FILE_BYTES, too_large

_BLOCK = 512
_LZMA_MEMORY_BYTES = 128 * 1024 * 1024
_STREAMS = 64  # compressed files may be joined end to end; each costs a copy of the rest
_KINDS = {b"0": Kind.FILE, b"\0": Kind.FILE, b"7": Kind.FILE, b"5": Kind.FOLDER, b"1": Kind.LINK, b"2": Kind.LINK}
_EXTENSIONS = (b"x", b"g", b"L", b"K")
#: Far above what any archiver writes: headers that speak of one member, and records or bytes in one of them.
_MOST_EXTENSIONS = 8
_MOST_RECORDS = 200
_LONGEST_EXTENSION = 1024 * 1024
_SPARSE = b"GNU.sparse"
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")


class _Damaged(Exception):
    """The bytes are no tar archive, or not all of one."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_COMPRESSIONS: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY_BYTES),
}


@dataclass(frozen=True)
class _Member:
    entry: Entry
    start: int
    size: int


def read_tar(data: bytes, name: str, lab: Lab) -> tuple[dict[str, bytes], list[str]]:
    """The lab's files in the archive, compressed or not, and the names of others. `name` is what messages say.

    Raises UnreadableSubmission.
    """
    try:
        plain = _unpacked(data, name)
        members = _members_of(plain, name, lab)
    except (_Damaged, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        raise UnreadableSubmission(
            f"{name} is damaged or no tar archive", "make it again and check that it opens"
        ) from None
    by_name = {member.entry.name: member for member in members}
    files = {}
    for file, entry in locate([member.entry for member in members], lab).items():
        member = by_name[entry.name]
        if member.size > MAX_FILE_BYTES:
            raise too_large(file)
        files[file] = plain[member.start : member.start + member.size]
    return files, [member.entry.name for member in members if member.entry.kind is Kind.FILE]


def _unpacked(data: bytes, name: str) -> bytes:
    """The archive itself; stops one byte above the cap, however much a bomb would yield."""
    make = next((make for magic, make in _COMPRESSIONS.items() if data.startswith(magic)), None)
    if make is None:
        return data
    out = bytearray()
    for _ in range(_STREAMS):
        stream = make()
        out += stream.decompress(data, MAX_TOTAL_BYTES - len(out) + 1)
        if len(out) > MAX_TOTAL_BYTES:
            raise too_large(f"{name}, unpacked,", MAX_TOTAL_BYTES)
        if not stream.eof:
            raise _Damaged
        data = stream.unused_data.lstrip(b"\0")
        if not data:
            return bytes(out)
    raise _Damaged


def _members_of(data: bytes, name: str, lab: Lab) -> list[_Member]:
    members: list[_Member] = []
    for member in _members(data):
        if len(members) == MAX_ENTRIES:
            raise UnreadableSubmission(
                f"{name} holds more than {MAX_ENTRIES:,} files",
                f"hand in only {lab.submission[0]} or the lab's own folder",
            )
        members.append(member)
    if not members and data.strip(b"\0"):
        raise _Damaged
    if not members:
        raise UnreadableSubmission(f"{name} is an empty archive", f"put {lab.submission[0]} into it")
    return members


def _members(data: bytes) -> Iterator[_Member]:
    """Every member in order. `told` holds what extension headers say of the next one."""
    offset = 0
    told: dict[str, bytes] = {}
    extensions = 0
    while offset + _BLOCK <= len(data):
        header = data[offset : offset + _BLOCK]
        if not any(header):
            return
        kind = header[156:157]
        extension = kind in _EXTENSIONS
        size = _decimal(told["size"]) if "size" in told and not extension else _size(header)
        start = offset + _BLOCK
        end = start + (0 if kind in _WITHOUT_DATA else size)
        if end > len(data):
            raise _Damaged
        offset = end + -end % _BLOCK
        if extension:
            extensions += 1
            if extensions > _MOST_EXTENSIONS or size > _LONGEST_EXTENSION:
                raise _Damaged
            told |= _told(kind, data[start:end])
        else:
            yield _Member(_entry(header, told), start, end - start)
            told, extensions = {}, 0


def _entry(header: bytes, told: Mapping[str, bytes]) -> Entry:
    path = tidy(told.get("path", _path(header)).decode("utf-8", "surrogateescape"))
    sparse = any(key.startswith(_SPARSE.decode()) for key in told)
    return Entry(path, Kind.OTHER if sparse else _KINDS.get(header[156:157], Kind.OTHER))


def _told(kind: bytes, data: bytes) -> dict[str, bytes]:
    """What an extension header says of the next member; those for all members, or for links, are not needed."""
    if kind == b"L":
        return {"path": data.rstrip(b"\0")}
    return _pax(data) if kind == b"x" else {}


def _path(header: bytes) -> bytes:
    path, prefix = (field.partition(b"\0")[0] for field in (header[:100], header[345:500]))
    return prefix + b"/" + path if prefix and header[257:263] == b"ustar\0" else path


def _size(header: bytes) -> int:
    """The size a header states, once its checksum is found right."""
    if sum(header[:148]) + sum(header[156:]) + 8 * ord(" ") != _octal(header[148:156]):
        raise _Damaged
    field = header[124:136]
    return int.from_bytes(field[1:], "big") if field[0] == 0x80 else _octal(field)


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0") or b"0"
    if not digits.isdigit():
        raise _Damaged
    return int(digits, 8)


def _decimal(field: bytes) -> int:
    if not field.isdigit() or len(field) > 20:
        raise _Damaged
    return int(field)


def _pax(data: bytes) -> dict[str, bytes]:
    """Those records `<length> <key>=<value>\\n` of an extended header that are needed here."""
    records = {}
    count = 0
    at = 0
    while at < len(data):
        digits = data[at : at + 20].partition(b" ")[0]
        end = at + _decimal(digits)
        if end <= at + len(digits) + 1 or data[end - 1 : end] != b"\n":  # every record is longer than its length
            raise _Damaged
        count += 1
        if count > _MOST_RECORDS:
            raise _Damaged
        key, _, value = data[at + len(digits) + 1 : end - 1].partition(b"=")
        if key in (b"path", b"size") or key.startswith(_SPARSE):
            records[key.decode("utf-8", "replace")] = value
        at = end
    return records
