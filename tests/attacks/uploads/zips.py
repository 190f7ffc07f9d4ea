"""Hostile zip archives."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from warnings import catch_warnings, simplefilter

from tests.attacks.uploads.case import CODE, MIB, OTHER, Upload

Member = tuple[str | zipfile.ZipInfo, bytes]
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def zipped(*members: Member, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these."""
    out = io.BytesIO()
    with catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        simplefilter("ignore")  # zipfile warns of names that are there twice
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def mode(name: str, bits: int) -> zipfile.ZipInfo:
    """A member with Unix mode bits."""
    info = zipfile.ZipInfo(name)
    info.external_attr = bits << 16
    return info


def with_extra(name: str, extra: bytes) -> zipfile.ZipInfo:
    """A member with an extra field."""
    info = zipfile.ZipInfo(name)
    info.extra = extra
    return info


def alias(name: str, other: str) -> zipfile.ZipInfo:
    """A member that some readers call by its other name (Info-ZIP's Unicode path)."""
    body = struct.pack("<BL", 1, zlib.crc32(name.encode())) + other.encode()
    return with_extra(name, struct.pack("<HH", 0x7075, len(body)) + body)


def patched(data: bytes, signature: bytes, offset: int, value: bytes, *, last: bool = False) -> bytes:
    """`data` with other bytes in the first (or last) header that begins so."""
    at = (data.rindex(signature) if last else data.index(signature)) + offset
    return data[:at] + value + data[at + len(value) :]


def renamed(name: str, raw: bytes) -> bytes:
    """A starter.py beside a member whose name is these raw bytes, as long as `name`."""
    return zipped(("starter.py", CODE), (name, OTHER)).replace(name.encode(), raw)


def headers_disagree() -> bytes:
    """The header before the file says that it is stored, the list at the end that it is packed."""
    return patched(zipped(("starter.py", CODE)), _LOCAL, 8, b"\0\0")


def sizes_disagree() -> bytes:
    """The header before the file states another length and sum than the list."""
    return patched(zipped(("starter.py", CODE)), _LOCAL, 14, struct.pack("<LLL", 1, 2, 3))


def names_disagree() -> bytes:
    """A file that is called otherwise in front than in the list."""
    return patched(zipped(("starter.py", CODE)), _LOCAL, 30, b"harmles.py")


def two_lists() -> bytes:
    """Two archives, one behind the other: readers that look for the first and the last end see two programs."""
    return zipped(("starter.py", OTHER)) + zipped(("starter.py", CODE))


def list_in_comment() -> bytes:
    """The end of another archive hides in the comment."""
    inner = zipped(("starter.py", OTHER))
    data = zipped(("starter.py", CODE))
    return data[:-2] + struct.pack("<H", len(inner)) + inner


def overlapping() -> bytes:
    """A thousand entries that are one and the same megabyte."""
    data = zipped(("starter.py", b"#" * MIB))
    at, end = data.index(_CENTRAL), data.index(_END)
    entry = data[at:end]
    tail = _END + struct.pack("<4HLLH", 0, 0, 1000, 1000, 1000 * len(entry), at, 0)
    return data[:at] + entry * 1000 + tail


def nested(depth: int) -> bytes:
    """An archive in an archive, ten times over: unpacked all the way it is a petabyte."""
    data = zipped(("zeros", b"\0" * MIB))
    for _ in range(depth):
        data = zipped(*((f"{n}.zip", data) for n in range(10)))
    return data


def sums_disagree() -> bytes:
    """A file whose sum is another one, in both places."""
    data = patched(zipped(("starter.py", CODE)), _LOCAL, 14, b"\1\2\3\4")
    return patched(data, _CENTRAL, 16, b"\1\2\3\4")


def sizes_in_zip64() -> bytes:
    """A file that says in its 64-bit fields that it holds 2**60 bytes."""
    info = with_extra("starter.py", struct.pack("<HHQQ", 1, 16, 1 << 60, 1 << 60))
    data = zipped((info, CODE), method=zipfile.ZIP_STORED)
    for signature, offset in ((_LOCAL, 18), (_CENTRAL, 20)):
        data = patched(data, signature, offset, b"\xff" * 8)
    return data


def list_elsewhere() -> bytes:
    """Its end says that the list begins far behind the archive."""
    return patched(zipped(("starter.py", CODE)), _END, 16, b"\xf0\xff\xff\x7f")


def counted_wrongly() -> bytes:
    """Its end says that it has 65,535 entries."""
    return patched(zipped(("starter.py", CODE)), _END, 8, b"\xff\xff\xff\xff")


def encrypted() -> bytes:
    """Behind a password."""
    data = zipped(("starter.py", CODE))
    return patched(patched(data, _LOCAL, 6, b"\1\0"), _CENTRAL, 8, b"\1\0")


def many(count: int) -> Callable[[], bytes]:
    """That many empty files."""
    return lambda: zipped(("starter.py", CODE), *((str(n), b"") for n in range(count)))


def two(name: str, data: bytes = OTHER) -> Callable[[], bytes]:
    """A starter.py and another one beside it."""
    return lambda: zipped(("starter.py", CODE), (name, data))


def one(name: str | zipfile.ZipInfo, data: bytes = CODE) -> Callable[[], bytes]:
    """That alone."""
    return lambda: zipped((name, data))


_OUT = "is no path inside it"
_TWICE = "starter.py is there 2 times"
ZIPS = {
    "link": Upload("a.zip", one(mode("starter.py", stat.S_IFLNK | 0o777), b"/etc/passwd"), "is a link"),
    "folder that is a link": Upload(
        "a.zip", lambda: zipped((mode("toy-1", stat.S_IFLNK | 0o777), b"/etc"), ("toy-1/starter.py", CODE))
    ),
    "device": Upload("a.zip", one(mode("starter.py", stat.S_IFCHR | 0o666)), "not an ordinary file"),
    "pipe": Upload("a.zip", one(mode("starter.py", stat.S_IFIFO | 0o666)), "not an ordinary file"),
    "socket": Upload("a.zip", one(mode("starter.py", stat.S_IFSOCK | 0o666)), "not an ordinary file"),
    "set-uid is a bit and no more": Upload("a.zip", one(mode("starter.py", stat.S_IFREG | 0o6777))),
    "dot dot": Upload("a.zip", two("../../etc/cron.d/x"), _OUT),
    "dot dot inside": Upload("a.zip", two("a/../../x"), _OUT),
    "absolute": Upload("a.zip", two("/etc/cron.d/x"), _OUT),
    "backslashes out": Upload("a.zip", two("..\\..\\x"), _OUT),
    "share": Upload("a.zip", two("\\\\host\\share\\x"), _OUT),
    "drive": Upload("a.zip", two("C:\\x"), _OUT),
    "drive without a root": Upload("a.zip", two("C:x"), _OUT),
    "NUL in a name": Upload("a.zip", lambda: renamed("starterX.py", b"starter\0.py"), _OUT),
    "name that is not UTF-8": Upload("a.zip", lambda: renamed("starterX.py", b"start\xff\xfe\x80.py")),
    "control characters in a name": Upload("a.zip", two("\x1b]0;owned\x07\r\n.py")),
    "line breaks in the only name": Upload("a.zip", one("a\r\nremote: 10 of 10\x1b[2J.py"), "I found a remote: 10 of"),
    "path of 60,000 letters": Upload("a.zip", two("d/" * 30_000), _OUT),
    "other case": Upload("a.zip", two("Starter.PY"), _TWICE),
    "same name": Upload("a.zip", two("starter.py"), _TWICE),
    "file and folder": Upload("a.zip", two("starter.py/", b""), _TWICE),
    "same name by dots": Upload("a.zip", two("./x/.././starter.py"), _OUT),
    "full-width letters": Upload("a.zip", two("ｓｔａｒｔｅｒ.py"), _TWICE),
    "a letter that shows nothing": Upload("a.zip", two("star\u200bter.py"), _TWICE),
    "letters that turn around": Upload("a.zip", two("\u202estarter.py"), _TWICE),
    "long s": Upload("a.zip", two("\u017ftarter.py"), _TWICE),
    "dot and space at the end": Upload("a.zip", two("starter.py. "), _TWICE),
    "a stream of the file": Upload("a.zip", two("starter.py::$DATA"), _TWICE),
    "a look-alike beside it is another file": Upload("a.zip", two("st\u0430rter.py")),
    "a look-alike alone": Upload("a.zip", one("st\u0430rter.py"), "st\\u0430rter.py"),
    "nothing but an unseen letter more": Upload("a.zip", one("starter\u200b.py"), "starter\\u200b.py"),
    "composed or not": Upload(
        "a.zip", lambda: zipped(("starter.py", CODE), ("caf\u00e9.py", b""), ("cafe\u0301.py", b""))
    ),
    "another name for some": Upload("a.zip", one(alias("starter.py", "harmless.py"))),
    "starter.py for some": Upload("a.zip", lambda: zipped(("starter.py", CODE), (alias("x.py", "starter.py"), OTHER)),
                                  _TWICE),
    "headers disagree": Upload("a.zip", headers_disagree, "two different things of starter.py"),
    "sizes disagree": Upload("a.zip", sizes_disagree, "two different things of starter.py"),
    "names disagree": Upload("a.zip", names_disagree, "damaged"),
    "sums disagree": Upload("a.zip", sums_disagree, "damaged"),
    "two archives in one": Upload("a.zip", two_lists, "is not a zip archive alone"),
    "an archive in the comment": Upload("a.zip", list_in_comment, "is not a zip archive alone"),
    "a program in front": Upload("a.zip", lambda: b"#!/bin/sh\nrm -rf /\n" + zipped(("starter.py", CODE)), "alone"),
    "a picture in front": Upload("a.zip", lambda: b"GIF89a" + zipped(("starter.py", CODE)), "alone"),
    "something behind": Upload("a.zip", lambda: zipped(("starter.py", CODE)) + b"<script>", "alone"),
    "list elsewhere": Upload("a.zip", list_elsewhere, "alone"),
    "counted wrongly": Upload("a.zip", counted_wrongly),
    "64-bit sizes": Upload("a.zip", sizes_in_zip64, "damaged"),
    "encrypted": Upload("a.zip", encrypted, "two different things of starter.py|encrypted"),
    "overlapping entries": Upload("a.zip", overlapping, "starter.py is there 1000 times"),
    "bomb": Upload("a.zip", one("starter.py", b"#" * (64 * MIB)), "larger than 1 MB"),
    "bomb beside it is never opened": Upload("a.zip", two("data", b"\0" * (64 * MIB))),
    "nested bomb": Upload("a.zip", lambda: nested(4), "there is no starter.py"),
    "100,000 entries": Upload("a.zip", many(100_000), "more than 10,000 files"),
    ".git entries are never read": Upload("a.zip", two(".git/hooks/post-checkout", b"#!/bin/sh\nid\n")),
    ".git as the only folder": Upload("a.zip", one(".git/starter.py"), "I found .git/starter.py"),
    "unusual compression": Upload("a.zip", lambda: zipped(("starter.py", CODE), method=zipfile.ZIP_LZMA), "not read"),
    "cut off": Upload("a.zip", lambda: zipped(("starter.py", CODE))[:-30], "damaged"),
}  # fmt: skip
