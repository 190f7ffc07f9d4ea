"""Hostile tar archives, plain and compressed."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

from tests.attacks.uploads.case import CODE, MIB, OTHER, Upload

Member = tuple[str | tarfile.TarInfo, bytes]


def tarred(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of these."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member, data in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def kind(name: str, what: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    """A member that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = what, target
    return info


def header(name: bytes, what: bytes = b"0", size: int | bytes = 0) -> bytes:
    """One header block, whatever it says."""
    stated = size if isinstance(size, bytes) else b"%011o\0" % size
    block = bytearray(name.ljust(100, b"\0") + b"0000644\0" * 3 + stated + b"0" * 11 + b"\0" + b" " * 8 + what)
    block = bytearray(bytes(block).ljust(257, b"\0") + b"ustar\x0000").ljust(512, b"\0")
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def told(what: bytes, data: bytes) -> bytes:
    """An extension header and what it says of the next member."""
    return header(b"x", what, len(data)) + data + b"\0" * (-len(data) % 512)


def record(key: str, value: str) -> bytes:
    """One record of an extended header."""
    body = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    size = len(body) + 1
    while len(str(size)) + len(body) != size:
        size += 1
    return str(size).encode() + body


FILE = header(b"starter.py", size=len(CODE)) + CODE + b"\0" * (-len(CODE) % 512)
END = b"\0" * 1024


def records_without_end() -> bytes:
    """Twelve megabytes of records, each another key."""
    return told(b"x", b"".join(record(f"{n:x}", "") for n in range(1_200_000))) + FILE + END


def headers_without_end() -> bytes:
    """Sixteen thousand headers that speak of one file."""
    return told(b"x", record("comment", "x")) * 16_000 + FILE + END


def quine() -> bytes:
    """A gzip stream that says it goes on and on: joined empty streams before the archive."""
    return gzip.compress(b"") * 100_000 + gzip.compress(tarred(("starter.py", CODE)))


def of(name: str | tarfile.TarInfo, data: bytes = CODE) -> Callable[[], bytes]:
    """That alone."""
    return lambda: tarred((name, data))


def two(name: str | tarfile.TarInfo, data: bytes = OTHER) -> Callable[[], bytes]:
    """A starter.py and another one behind it."""
    return lambda: tarred(("starter.py", CODE), (name, data))


def named(what: bytes, name: bytes) -> Callable[[], bytes]:
    """A starter.py and a file that an extension header gives this name."""
    return lambda: told(what, name) + FILE + FILE + END


def bomb(pack: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """64 MB of nothing beside the file."""
    return lambda: pack(tarred(("starter.py", CODE), ("data", b"\0" * (64 * MIB))))


def many(count: int) -> bytes:
    """That many empty files."""
    return gzip.compress(header(b"x") * count + FILE + END, 1)


def sparse() -> bytes:
    """A sparse file that says it is a terabyte."""
    pax = record("GNU.sparse.major", "1") + record("GNU.sparse.realsize", str(1 << 40))
    return told(b"x", pax) + FILE + END


_OUT = "is no path inside it"
_TWICE = "starter.py is there 2 times"
TARS = {
    "link": Upload("a.tar", of(kind("starter.py", tarfile.SYMTYPE), b""), "is a link"),
    "hard link": Upload("a.tar", of(kind("starter.py", tarfile.LNKTYPE), b""), "is a link"),
    "hard link beside it": Upload("a.tar", two(kind("x.py", tarfile.LNKTYPE, "../../secret"), b"")),
    "link, then a file through it": Upload(
        "a.tar", lambda: tarred((kind("toy-1", tarfile.SYMTYPE, "/tmp"), b""), ("toy-1/starter.py", CODE))
    ),
    "link and file of one name": Upload("a.tar", two(kind("starter.py", tarfile.SYMTYPE), b""), _TWICE),
    "character device": Upload("a.tar", of(kind("starter.py", tarfile.CHRTYPE), b""), "not an ordinary file"),
    "block device": Upload("a.tar", of(kind("starter.py", tarfile.BLKTYPE), b""), "not an ordinary file"),
    "pipe": Upload("a.tar", of(kind("starter.py", tarfile.FIFOTYPE), b""), "not an ordinary file"),
    "folder": Upload("a.tar", of(kind("starter.py", tarfile.DIRTYPE), b""), "is a folder"),
    "unknown kind": Upload("a.tar", of(kind("starter.py", b"Z"), b""), "not an ordinary file"),
    "dot dot": Upload("a.tar", two("../../etc/cron.d/x"), _OUT),
    "absolute": Upload("a.tar", two("/etc/cron.d/x"), _OUT),
    "backslashes out": Upload("a.tar", two("..\\x"), _OUT),
    "drive": Upload("a.tar", two("D:\\x"), _OUT),
    "long name out": Upload("a.tar", named(b"L", b"../" * 200 + b"x\0"), _OUT),
    "long name with NUL": Upload("a.tar", named(b"L", b"starter.py\0../x\0"), _OUT),
    "long name of a megabyte": Upload("a.tar", named(b"L", b"x" * MIB), _OUT),
    "long name of 12 megabytes": Upload("a.tar", named(b"L", b"x" * (12 * MIB)), "damaged"),
    "record that names it out": Upload("a.tar", named(b"x", record("path", "/starter.py")), _OUT),
    "record that names it twice": Upload("a.tar", named(b"x", record("path", "STARTER.py")), _TWICE),
    "record of a size": Upload("a.tar", named(b"x", record("size", "9" * 19)), "damaged"),
    "record of a negative size": Upload("a.tar", named(b"x", record("size", "-512")), "damaged"),
    "global record of a size": Upload(
        "a.tar", lambda: told(b"g", record("size", "0") + record("path", "x")) + FILE + END
    ),
    "records without end": Upload("a.tar", records_without_end, "damaged"),
    "headers without end": Upload("a.tar", headers_without_end, "damaged"),
    "sparse terabyte": Upload("a.tar", sparse, "not an ordinary file"),
    "old sparse file": Upload("a.tar", of(kind("starter.py", tarfile.GNUTYPE_SPARSE), b""), "not an ordinary file"),
    "size in base 256": Upload("a.tar", lambda: header(b"starter.py", size=b"\x80" + b"\xff" * 11) + END, "damaged"),
    "negative size": Upload("a.tar", lambda: header(b"starter.py", size=b"\xff" * 12) + END, "damaged"),
    "wrong sum": Upload("a.tar", lambda: FILE.replace(b"0000644", b"0000777", 1) + END, "damaged"),
    "a second archive behind the end is not read": Upload(
        "a.tar", lambda: FILE + END + header(b"Starter.py", size=len(OTHER)) + OTHER.ljust(512, b"\0") + END
    ),
    "name that is not UTF-8": Upload("a.tar", lambda: FILE + header(b"\xff\xfe\x80.py") + END),
    "control characters in the only name": Upload("a.tar", of("\x1b[2J\x9b31mstart.py"), "I found start.py"),
    "other case": Upload("a.tar", two("STARTER.PY"), _TWICE),
    "full-width letters": Upload("a.tar", two("starter．py"), _TWICE),
    "file that is a megabyte and one": Upload("a.tar", of("starter.py", b"#" * (MIB + 1)), "larger than 1 MB"),
    "gzip bomb": Upload("a.tar.gz", bomb(gzip.compress), "unpacked, is larger than 16 MB"),
    "bzip2 bomb": Upload("a.tar.bz2", bomb(bz2.compress), "unpacked, is larger than 16 MB"),
    "xz bomb": Upload("a.tar.xz", bomb(lambda data: lzma.compress(data, preset=1)), "unpacked, is larger than 16 MB"),
    "xz that wants a gigabyte": Upload(
        "a.tar.xz",
        lambda: lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]).replace(
            b"\x21\x01\x10", b"\x21\x01\x28"
        ),
        "damaged",
    ),
    "joined streams": Upload("a.tgz", quine, "damaged"),
    "gzip in gzip": Upload("a.tgz", lambda: gzip.compress(gzip.compress(tarred(("starter.py", CODE)))), "damaged"),
    "zip in a tar's clothes": Upload("a.tar", lambda: b"PK\x03\x04" + b"\0" * 1020, "damaged"),
    "100,000 entries": Upload("a.tgz", lambda: many(100_000), "16 MB|more than 10,000 files"),
    ".git entries are never read": Upload("a.tar", two(".git/config", b"[core]\n\tfsmonitor = id\n")),
    "cut off": Upload("a.tgz", lambda: gzip.compress(tarred(("starter.py", CODE)))[:-20], "damaged"),
}  # fmt: skip
