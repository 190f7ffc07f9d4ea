"""Hostile uploads over HTTP: refused in words, or taken as the plain bytes that they are, at a bounded cost."""

import gc
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.uploads.case import MIB, Upload
from tests.attacks.uploads.lone import LONE
from tests.attacks.uploads.tars import TARS
from tests.attacks.uploads.zips import ZIPS
from tests.integration.site import Desk, upload

CORPUS = {f"{kind}: {name}": case for kind, cases in (("zip", ZIPS), ("tar", TARS), ("file", LONE))
          for name, case in cases.items()}  # fmt: skip
#: An upload of at most 17 MB is held once as it came and once more unpacked (at most 16 MB, and a copy of it).
MOST_MEMORY = 64 * MIB
MOST_SECONDS = 3.0
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course with people."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


@pytest.fixture
def spool(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where anything temporary would be."""
    folder = tmp_path_factory.mktemp("spool")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def memory(word: str) -> int:
    """What the kernel says of this process's memory, in bytes: VmRSS now, VmHWM at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{word}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_there_are_enough_of_them() -> None:
    assert len(CORPUS) >= 100


@pytest.mark.parametrize("name", CORPUS)
def test_an_upload_is_refused_or_taken_as_it_is(desk: Desk, spool: Path, name: str) -> None:
    case: Upload = CORPUS[name]
    data = case.build()
    client = desk.client("amy")
    client.get("/api/v1/me")  # what is made once is made before we measure
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest point so far is now
    before, files, started = memory("VmRSS"), open_files(), time.process_time()
    answer = upload(client, data, case.file)
    assert time.process_time() - started < MOST_SECONDS
    assert memory("VmHWM") - before < MOST_MEMORY
    assert open_files() <= files
    assert list(spool.iterdir()) == []
    if case.says:
        assert answer.status_code == case.status, answer.text
        error = answer.json()["error"]
        assert any(words in error["message"] for words in case.says.split("|")), error
        assert error["advice"]
        assert error["fault"] == "student"
        assert UNSEEN.search(error["message"] + error["advice"]) is None
        assert len(error["message"]) < 400
        assert desk.store.submissions.page("toy") == []
    else:
        assert answer.status_code == 201, answer.text
        kept = desk.store.submissions.files(answer.json()["digest"])
        assert kept is not None
        assert dict(kept.files) == {"starter.py": case.kept}
