"""What may not be handed in is refused with a clear 4xx, before it costs memory or disk."""

import asyncio
import io
import json
import resource
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from grader.steps.service import Bounds
from grader.web.bounds import MIB, UPLOAD
from tests.integration.site import RIGHT, Desk, upload


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course with people."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def link_in_zip(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def many(count: int) -> bytes:
    return zipped(*((f"f{n}", b"") for n in range(count)), ("starter.py", RIGHT))


BOMB = b"\0" * (64 * MIB)
REFUSED: dict[str, Callable[[], tuple[str, bytes]]] = {
    "zip slip": lambda: ("a.zip", zipped(("../starter.py", RIGHT))),
    "zip absolute": lambda: ("a.zip", zipped(("/starter.py", RIGHT))),
    "zip backslash": lambda: ("a.zip", zipped(("..\\starter.py", RIGHT))),
    "zip link": lambda: ("a.zip", zipped((link_in_zip("starter.py"), b"/etc/passwd"))),
    "zip bomb": lambda: ("a.zip", zipped(("starter.py", BOMB))),
    "zip of 100k entries": lambda: ("a.zip", many(100_000)),
    "zip twice the same": lambda: (
        "a.zip",
        zipped(("starter.py", RIGHT), ("Starter.py", b"x = 1"), ("starter.py ", b"")),
    ),
    "zip damaged": lambda: ("a.zip", zipped(("starter.py", RIGHT))[:-30]),
    "zip of nothing": lambda: ("a.zip", zipped()),
    "zip without starter": lambda: ("a.zip", zipped(("other.py", RIGHT))),
    "zip in name only": lambda: ("a.zip", RIGHT),
    "zip empty": lambda: ("a.zip", b""),
    "tar slip": lambda: ("a.tar.gz", tarred((member("../starter.py"), RIGHT))),
    "tar absolute": lambda: ("a.tar.gz", tarred((member("/starter.py"), RIGHT))),
    "tar symlink": lambda: ("a.tar.gz", tarred((member("starter.py", tarfile.SYMTYPE, "/etc/passwd"), b""))),
    "tar hard link": lambda: ("a.tar.gz", tarred((member("starter.py", tarfile.LNKTYPE, "/etc/passwd"), b""))),
    "tar device": lambda: ("a.tar.gz", tarred((member("starter.py", tarfile.CHRTYPE), b""))),
    "tar pipe": lambda: ("a.tar.gz", tarred((member("starter.py", tarfile.FIFOTYPE), b""))),
    "tar bomb": lambda: ("a.tar.gz", tarred((member("starter.py"), BOMB))),
    "tar damaged": lambda: ("a.tar.gz", tarred((member("starter.py"), RIGHT))[:-20]),
    "empty file": lambda: ("starter.py", b""),
    "nul bytes": lambda: ("starter.py", b"x = 1\0"),
    "utf-16": lambda: ("starter.py", "x = 1".encode("utf-16")),
    "no text": lambda: ("starter.py", b"\xff\xfe\xfd"),
    "two megabytes": lambda: ("starter.py", b"#" * (2 * MIB)),
    "a program": lambda: ("starter.exe", RIGHT),
    "no suffix": lambda: ("starter", RIGHT),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_in_words_and_nothing_is_kept(desk: Desk, kind: str) -> None:
    name, data = REFUSED[kind]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = upload(desk.client("amy"), data, name)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["fault"] == "student"
    assert error["message"]
    assert error["advice"]
    assert "Traceback" not in answer.text
    assert grown < 200 * 1024  # KiB
    assert desk.store.submissions.page("toy") == []


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.py",
        "/abs/starter.py",
        "C:\\x\\starter.py",
        "sta\u202erter.py",
        "a" * 300 + ".py",
        "ü\u0308.py",
    ],
)
def test_an_odd_name_of_a_lone_file_names_nothing_on_our_side(desk: Desk, name: str) -> None:
    answer = upload(desk.client("amy"), RIGHT, name)
    assert answer.status_code == 201, answer.text
    files = desk.store.submissions.files(answer.json()["digest"])
    assert files is not None
    assert list(files.files) == ["starter.py"]


def test_a_name_with_nul_or_line_breaks_cannot_break_anything(desk: Desk) -> None:
    disposition = b'Content-Disposition: form-data; name="file"; filename="st\0ar\r\nX-Evil: 1\r\nter.py"'
    body = b"--b\r\n" + disposition + b"\r\n\r\nx = 1\r\n--b--\r\n"
    answer = desk.client("amy").post(
        "/api/v1/courses/toy/labs/toy-1/submissions",
        content=body,
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"x = 1", {"content-type": "text/plain"}),
        (b"{}", {"content-type": "application/json"}),
        (b"file=x", {"content-type": "application/x-www-form-urlencoded"}),
        (b"garbage", {"content-type": "multipart/form-data"}),
        (b"garbage", {"content-type": "multipart/form-data; boundary=x"}),
        (b"--x\r\n\r\n\r\n--x--", {"content-type": "multipart/form-data; boundary=x"}),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
         {"content-type": "multipart/form-data; boundary=x"}),
        (b"", {}),
    ],
)  # fmt: skip
def test_a_request_of_another_shape_is_told_what_was_expected(
    desk: Desk, content: bytes, headers: dict[str, str]
) -> None:
    client = desk.client("amy")
    answer = client.post("/api/v1/courses/toy/labs/toy-1/submissions", content=content, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["message"]


def test_more_than_one_file_or_many_fields_are_refused(desk: Desk) -> None:
    client = desk.client("amy")
    where = "/api/v1/courses/toy/labs/toy-1/submissions"
    assert client.post(where, files=[("file", ("a.py", b"x")), ("file", ("b.py", b"y"))]).status_code == 400
    fields = {f"f{n}": "x" for n in range(100)}
    assert client.post(where, data=fields, files={"file": ("a.py", b"x")}).status_code == 400


def endless(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"\0" * MIB


@pytest.mark.parametrize("login", ["amy", ""])
def test_a_gigabyte_is_refused_by_its_stated_size_before_a_byte_is_read(desk: Desk, login: str) -> None:
    answer = desk.client(login).post(
        "/api/v1/courses/toy/labs/toy-1/submissions",
        content=b"",
        headers={"content-length": str(1024 * MIB), "content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 413
    assert "larger than 17 MB" in answer.json()["error"]["message"]


def test_a_gigabyte_that_hides_its_size_is_cut_off(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
        for part in endless(1024):
            sent += len(part)
            yield part

    async def post() -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            for part in body():
                yield part

        transport = httpx.ASGITransport(desk.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(
                "/api/v1/courses/toy/labs/toy-1/submissions",
                content=parts(),
                headers={
                    "authorization": f"Bearer {desk.tokens['amy']}",
                    "content-type": "multipart/form-data; boundary=x",
                },
            )

    answer = asyncio.run(post())
    assert answer.status_code == 413
    assert sent <= UPLOAD + 2 * MIB
    assert list(spool.iterdir()) == []


def test_nobody_who_is_not_logged_in_gets_a_byte_read(desk: Desk) -> None:
    read = 0

    async def post() -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            nonlocal read
            for part in endless(8):
                read += len(part)
                yield part

        transport = httpx.ASGITransport(desk.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(
                "/api/v1/courses/toy/labs/toy-1/submissions",
                content=parts(),
                headers={"content-type": "multipart/form-data; boundary=x"},
            )

    answer = asyncio.run(post())
    assert answer.status_code == 401
    assert read <= MIB


@pytest.mark.parametrize("path", ["/api/v1/login", "/api/v1/tokens", "/login", "/api/v1/submissions/x/cancel"])
def test_other_requests_are_small(desk: Desk, path: str) -> None:
    answer = desk.client("amy").post(path, content=b"x" * 100_000)
    assert answer.status_code == 413
    assert "larger than 64 kB" in answer.text
    assert answer.headers["content-type"].startswith("application/json" if path.startswith("/api/") else "text/html")


@pytest.mark.parametrize("length", ["-1", "abc", "1e9", "99999999999999999999999999"])
def test_a_senseless_size_is_refused(desk: Desk, length: str) -> None:
    answer = desk.client("amy").post("/api/v1/login", content=b"{}", headers={"content-length": length})
    assert answer.status_code == 413


def test_who_hands_in_too_often_gets_a_429_that_says_when(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Bounds(submissions_per_minute=2, submissions_per_hour=100))
    codes = [upload(desk.client("amy"), b"x = %d" % n).status_code for n in range(3)]
    assert codes == [201, 201, 429]
    refused = upload(desk.client("amy"), b"x = 9")
    assert refused.headers["retry-after"] == "30"
    assert upload(desk.client("bob"), b"x = 9").status_code == 201
    desk.store.close()


def test_an_upload_is_answered_once_and_a_repeated_one_with_the_same(desk: Desk) -> None:
    first, second = (upload(desk.client("amy"), RIGHT) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert (first.json()["duplicate"], second.json()["duplicate"]) == (False, True)
    assert first.json()["id"] == second.json()["id"]


def test_every_kind_of_archive_is_read(desk: Desk) -> None:
    for name, data in (
        ("work.zip", zipped(("toy-1/starter.py", RIGHT), ("notes.txt", b"hello"))),
        ("work.tar.gz", tarred((member("starter.py"), RIGHT + b"#"))),
    ):
        answer = upload(desk.client("amy"), data, name)
        assert answer.status_code == 201, answer.text
        assert json.loads(answer.text)["number"] >= 1
