"""Archives are read member by member, within caps, and never unpacked."""

import bz2
import gzip
import io
import lzma
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from grader.adapters.submission_files import SubmissionFiles
from grader.adapters.submission_files.tar_archive import read_tar
from grader.adapters.submission_files.zip_archive import read_zip
from grader.domain.errors import Fault, UnreadableSubmission
from grader.domain.lab import Lab
from tests.attacks.uploads.tars import kind, tarred

CODE = b"x = 1\n"
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
BUILDERS = ("zip", "ustar", "gnu", "pax")
Build = Callable[..., bytes]


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data, method)
    return out.getvalue()


def built(how: str, *members: tuple[str, bytes]) -> tuple[str, bytes]:
    """A file name and an archive of one of the BUILDERS."""
    return ("a.zip", zipped(*members)) if how == "zip" else ("a.tar", tarred(*members, form=FORMATS[how]))


def mode(name: str, bits: int) -> zipfile.ZipInfo:
    """A zip member with Unix mode bits."""
    info = zipfile.ZipInfo(name)
    info.external_attr = bits << 16
    return info


@pytest.fixture
def read(tmp_path: Path, lab: Lab) -> Callable[[str, bytes], dict[str, bytes]]:
    """Reads an archive of that name and content."""

    def read_archive(name: str, data: bytes) -> dict[str, bytes]:
        (tmp_path / name).write_bytes(data)
        return dict(SubmissionFiles(lab).read(tmp_path / name).files)

    return read_archive


@pytest.fixture
def refusal(read: Build) -> Callable[[str, bytes], str]:
    """Says why an archive is refused."""

    def refuse(name: str, data: bytes) -> str:
        with pytest.raises(UnreadableSubmission) as caught:
            read(name, data)
        assert caught.value.fault is Fault.STUDENT and caught.value.advice and "\n" not in str(caught.value)
        return str(caught.value)

    return refuse


@pytest.mark.parametrize("how", BUILDERS)
@pytest.mark.parametrize(
    "place", ["", "./", "lab-01-counting/", "phase-08/labs/lab-01-counting/", "x-main/p/labs/lab-01-counting/", "any/"]
)
def test_an_archive_is_searched_like_a_folder(how: str, place: str, read: Build) -> None:
    others = [(f"{place}notes.py", b"#"), ("phase-08/labs/lab-02/starter.py", b"#"), ("a/b/c/starter.py", b"#")]
    assert read(*built(how, *others, (f"{place}starter.py", CODE))) == {"starter.py": CODE}


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.tar.gz", gzip.compress), ("a.tgz", gzip.compress), ("a.tar.bz2", bz2.compress), ("a.tar.xz", lzma.compress),
        ("A.TAR", gzip.compress), ("a.tar.gz", lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:])),
    ],
)  # fmt: skip
def test_a_compressed_tar_is_read_by_what_it_is(name: str, pack: Callable[[bytes], bytes], read: Build) -> None:
    assert read(name, pack(tarred(("starter.py", CODE)))) == {"starter.py": CODE}


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_a_long_path_in_a_tar_is_read(form: str, read: Build) -> None:
    members = [("é" * 200 + "/x.txt", b""), (f"{'d' * 150}/labs/lab-01-counting/starter.py", CODE)]
    assert read("a.tar", tarred(*members, form=FORMATS[form])) == {"starter.py": CODE}


def test_a_zip_made_on_windows_is_read(read: Build) -> None:
    assert read("a.zip", zipped(("lab-01-counting\\starter.py", CODE))) == {"starter.py": CODE}


POINTING_OUT = ["/starter.py", "../starter.py", "a/../../starter.py", "C:\\x", "..\\x"]
#: ustar has no room for a name that long.
TOO_LONG = [(how, "d/" * 3000) for how in BUILDERS if how != "ustar"]


@pytest.mark.parametrize(("how", "name"), [*((how, name) for how in BUILDERS for name in POINTING_OUT), *TOO_LONG])
def test_a_name_that_points_out_is_refused(how: str, name: str, refusal: Build) -> None:
    assert "is no path inside it" in refusal(*built(how, ("starter.py", CODE), (name, b"")))


def test_a_member_without_a_name_is_left_alone(read: Build) -> None:
    data = zipped(("starter.py", CODE), ("x", b""))
    at = data.rindex(b"PK\x01\x02") + 28
    data = data[:at] + b"\0\0\1\0" + data[at + 4 :]  # the length of its name, and of what follows it
    assert read("a.zip", data) == {"starter.py": CODE}


def test_a_name_with_nul_is_refused(refusal: Build) -> None:
    data = zipped(("starter.py", CODE), ("starterX.py", b""))
    assert "is no path" in refusal("a.zip", data.replace(b"starterX.py", b"starter\0.py"))


@pytest.mark.parametrize("how", BUILDERS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("other", ["starter.py", "./starter.py", "STARTER.py", "ｓtarter.py"])
def test_a_name_that_is_there_twice_is_refused(how: str, other: str, refusal: Build) -> None:
    assert "starter.py is there 2 times" in refusal(*built(how, ("starter.py", CODE), (other, b"y = 2")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_other_names_may_be_there_twice(read: Build) -> None:
    assert read("a.zip", zipped(("starter.py", CODE), ("x", b"1"), ("x", b"2"))) == {"starter.py": CODE}


@pytest.mark.parametrize(
    "what",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE, tarfile.DIRTYPE],
)
def test_only_a_file_in_a_tar_is_read(what: bytes, refusal: Build) -> None:
    said = refusal("a.tar", tarred((kind("starter.py", what), b"")))
    assert "starter.py is a link" in said or "not an ordinary file" in said or "is a folder" in said


@pytest.mark.parametrize("bits", [stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_only_a_file_in_a_zip_is_read(bits: int, refusal: Build) -> None:
    said = refusal("a.zip", zipped((mode("starter.py", bits), b"/etc/passwd")))
    assert "starter.py is a link" in said or "not an ordinary file" in said or "is a folder" in said


def test_links_nobody_asked_for_are_left_alone(read: Build) -> None:
    members = [(kind("venv/python", tarfile.SYMTYPE), b""), ("starter.py", CODE)]
    assert read("a.tar", tarred(*members)) == {"starter.py": CODE}


def test_an_encrypted_zip_is_refused(refusal: Build) -> None:
    data = bytearray(zipped(("starter.py", CODE)))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    assert "encrypted" in refusal("a.zip", bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(method: int, refusal: Build) -> None:
    assert "ordinary zip" in refusal("a.zip", zipped(("starter.py", CODE), method=method))


def test_a_bomb_is_stopped_by_counting(refusal: Build) -> None:
    bomb = b"#" * (40 * 1024**2)
    assert "starter.py is larger than 1 MB" in refusal("a.zip", zipped(("starter.py", bomb)))
    packed = gzip.compress(tarred(("starter.py", CODE), ("data", bomb)), 1)
    assert len(packed) < 1024**2
    assert "unpacked, is larger than 16 MB" in refusal("a.tgz", packed)


def test_a_bomb_that_lies_about_its_size_is_stopped_too(refusal: Build) -> None:
    data = bytearray(zipped(("starter.py", b"#" * (4 * 1024**2))))
    for signature, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + size
        data[at : at + 4] = (2 * 1024**2).to_bytes(4, "little")
    assert "larger than 1 MB" in refusal("a.zip", bytes(data))


def test_a_large_member_of_a_tar_is_refused(refusal: Build) -> None:
    assert "starter.py is larger than 1 MB" in refusal("a.tar", tarred(("starter.py", b"#" * (1024**2 + 1))))


def test_an_archive_of_many_joined_streams_is_refused(refusal: Build) -> None:
    assert "damaged" in refusal("a.tgz", gzip.compress(b"") * 100_000)


def test_an_archive_with_too_many_entries_is_refused(refusal: Build) -> None:
    header = tarred(("x", b""))[:1024].rstrip(b"\0").ljust(512, b"\0")
    assert "more than 10,000 files" in refusal("a.tgz", gzip.compress(header * 10_001, 1))
    assert "more than 10,000 files" in refusal("a.zip", b"PK\x03\x04" + b"PK\x01\x02" * 10_001)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.zip", b"", "is empty"), ("a.tar", b"", "is empty"), ("a.zip", zipped(), "empty archive"),
        ("a.tar", tarred(), "empty archive"), ("a.tgz", gzip.compress(b""), "empty archive"),
        ("a.zip", CODE * 200, "damaged or no zip"), ("a.tar", CODE * 200, "damaged or no tar"),
        ("a.zip", zipped(("starter.py", CODE))[:-30], "damaged"),
        ("a.tar", tarred(("starter.py", CODE))[:514], "damaged"),
        ("a.tgz", gzip.compress(tarred(("starter.py", CODE)))[:-30], "damaged"), ("a.txz", b"\xfd7zXZ\0\0", "damaged"),
    ],
    ids=range(11),
)  # fmt: skip
def test_an_empty_or_damaged_archive_is_refused(name: str, data: bytes, says: str, refusal: Build) -> None:
    assert says in refusal(name, data)


@pytest.mark.parametrize("record", [b"0 a=b\n", b"1 a=b\n", b"-6 a=b\n", b"99 a=b\n", b"x", b"14 size=-1024\n"])
def test_a_crafted_extended_header_is_damage(record: bytes, refusal: Build) -> None:
    info = tarfile.TarInfo("pax")
    info.type = tarfile.XHDTYPE
    good = b"8 a=bcd\n"
    for data in (record, good + record):
        archive = tarred((info, data), ("starter.py", CODE), form=tarfile.USTAR_FORMAT)
        assert "damaged" in refusal("a.tar", archive)


@pytest.mark.parametrize("field", [b"-0000000512\0", b"0000000 512\0", b"\x80" + b"\xff" * 11, b"\xff" * 12])
def test_a_crafted_size_is_damage(field: bytes, refusal: Build) -> None:
    header = bytearray(tarred(("starter.py", CODE)))
    header[124:136] = field
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:512]) + 256)
    assert "damaged" in refusal("a.tar", bytes(header))


@pytest.mark.parametrize("how", [*BUILDERS, "tgz", "txz", "tbz"])
def test_a_mutated_archive_is_read_or_refused_and_nothing_else(how: str, lab: Lab) -> None:
    members = [("ä" * 60 + "/d/x.txt", b"y" * 50), ("starter.py", CODE * 50)]
    pack = {"tgz": gzip.compress, "txz": lzma.compress, "tbz": bz2.compress}.get(how, bytes)
    good = pack(built(how if how in BUILDERS else "pax", *members)[1])
    dice = random.Random(8)
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(dice.choice([1, 2, 8])):
            bad[dice.randrange(len(bad))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
        data = bytes(bad[: dice.choice([len(bad), dice.randrange(len(bad))])])
        with suppress(UnreadableSubmission):
            files, _ = (read_zip if how == "zip" else read_tar)(data, "a", lab)
            assert files.keys() <= {"starter.py"}
