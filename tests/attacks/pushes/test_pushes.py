"""Hostile pushes that no git would send: refused in words, or taken as plain bytes; nothing is left."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.attacks.pushes.packing import BLOB, REF_DELTA, Thing, commit, course, pack, packet, request, size, tree
from tests.courses.copies import answer
from tests.school import COURSE, School
from tests.services import wait_until

pytestmark = pytest.mark.bubblewrap
MIB = 1024 * 1024
GOOD = answer(10, "good")
NONE = "0" * 40
#: A push is read as it comes; what git holds of it lives in processes with a bound of their own.
MOST_MEMORY = 48 * MIB
MOST_SECONDS = 25.0
#: git itself writes lines again after a return; ours never have one.
ESCAPES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """One student."""
    one = School(tmp_path_factory.mktemp("pushes"), ["amy"], GRADER_SUBMISSIONS_PER_MINUTE="1000")
    one.clone("amy")
    yield one
    assert one.grader.stop() == 0
    assert one.errors() == [], "nothing that anybody sent is an error of ours"


def bare(school: School) -> Path:
    return Path(school.bare("amy").git_dir)


def kept(school: School) -> dict[str, int]:
    """Every file of amy's repository and how large it is."""
    return {str(path.relative_to(bare(school))): path.stat().st_size for path in bare(school).rglob("*")
            if path.is_file()}  # fmt: skip


def processes(school: School) -> list[str]:
    """The processes of git that serve this school."""
    mark, found = f"GIT_PROJECT_ROOT={school.folder}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if mark in (folder / "environ").read_bytes():
                found.append(folder.name)
    return found


def memory(school: School, word: str) -> int:
    """What the kernel says of the service's memory, in bytes."""
    status = Path(f"/proc/{school.grader.pids[-1]}/status").read_text(encoding="ascii")
    found = re.search(rf"{word}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def push(school: School, body: bytes) -> str:
    """What the pusher is told; the words of all bands in one text."""
    tip = f"{school.grader.url}/git/{COURSE}/amy.git/git-receive-pack"
    sent = httpx.post(tip, content=body, auth=("git", school.tokens["amy"]), timeout=120, trust_env=False,
                      headers={"Content-Type": "application/x-git-receive-pack-request"})  # fmt: skip
    assert sent.status_code == 200 or 400 <= sent.status_code < 500, sent.text
    return sent.content.decode("utf-8", "replace")


def told(text: str) -> str:
    """Without the packets' lengths and bands."""
    return re.sub("[0-9a-f]{4}[\x01\x02\x03]", "", text)


def of(*things: Thing, **how: bytes) -> tuple[str, bytes]:
    """A commit of the last of these and the pack of them all."""
    top = commit(things[-1], **how)
    return top.id, pack([*things, top])


def beside(mode: bytes, name: bytes, what: Thing) -> tuple[str, bytes]:
    """A good submission and something else in the root."""
    return of(what, *course(GOOD, (mode, name, what.id)))


def deep(depth: int) -> tuple[str, bytes]:
    """A folder in a folder in a folder …"""
    found = [Thing(BLOB, b"x")]
    inner = tree((b"100644", b"x", found[0].id))
    for _ in range(depth):
        found.append(inner)
        inner = tree((b"40000", b"d", inner.id))
    return of(*found, inner, *course(GOOD, (b"40000", b"d", inner.id)))


def crowded(count: int, *, where: str = "root") -> tuple[str, bytes]:
    """A folder of that many files, all of them the same."""
    blob = Thing(BLOB, GOOD)
    names = [b"f%07d" % number for number in range(count)]
    if where == "root":
        return of(*course(GOOD, *((b"100644", name, blob.id) for name in names)))
    lab = tree(*((b"100644", name, blob.id) for name in (*names, b"starter.py")))
    labs = tree((b"40000", b"toy-1", lab.id))
    basics = tree((b"40000", b"labs", labs.id))
    return of(blob, lab, labs, basics, tree((b"40000", b"basics", basics.id)))


def delta_bomb() -> tuple[str, bytes]:
    """A few bytes of instructions that copy a file of a megabyte 4,000 times."""
    blob = Thing(BLOB, b"\0" * (16 * MIB // 16))
    copies = b"\xff\0\0\0\0\xff\xff\xff"[:8]  # everything, from the start: at most 16 MB at once
    delta = Thing(REF_DELTA, size(len(blob.data)) + size(4_000 * MIB) + copies * 4_000, blob.id)
    return "1" * 40, pack([blob, delta])


def cycle() -> tuple[str, bytes]:
    """Two deltas, each on the other."""
    one, two = (Thing(REF_DELTA, size(1) + size(1) + b"\x01x", digit * 40) for digit in "12")
    return "1" * 40, pack([one, two])


def zero_padded() -> tuple[str, bytes]:
    """A mode with a zero in front: the same tree under another name."""
    blob = Thing(BLOB, GOOD)
    return of(*course(GOOD), blob, tree((b"0100644", b"x", blob.id)))


def twins(mode: bytes, first: bytes, second: bytes) -> tuple[str, bytes]:
    """Two entries of the lab's folder; the second is another program."""
    good, other = Thing(BLOB, GOOD), Thing(BLOB, answer(0, "other"))
    lab = tree((mode, first, good.id), (mode, second, other.id))
    labs = tree((b"40000", b"toy-1", lab.id))
    basics = tree((b"40000", b"labs", labs.id))
    return of(good, other, lab, labs, basics, tree((b"40000", b"basics", basics.id)))


def twin_folders(name: bytes) -> tuple[str, bytes]:
    """The course's folder twice, spelt in two ways."""
    good = course(GOOD)
    other = course(answer(0, "other"))
    entries = sorted([(b"40000", b"basics", good[-2].id), (b"40000", name, other[-2].id)], key=lambda one: one[1])
    return of(*good[:-1], *other[:-1], tree(*entries))


def damaged(change: Callable[[bytes], bytes]) -> tuple[str, bytes]:
    """A good push with something wrong in its pack."""
    top, packed = of(*course(GOOD))
    return top, change(packed)


def resummed(body: bytes) -> bytes:
    """With the sum that belongs to it."""
    return body + hashlib.sha1(body).digest()


BLOB_X = Thing(BLOB, b"x")
LINKED = Thing(BLOB, b"/etc/passwd")
MODULES = Thing(BLOB, b'[submodule "x"]\n\turl = --upload-pack=id\n\tpath = x\n')
REFUSED: dict[str, tuple[Callable[[], tuple[str, bytes]], str]] = {
    "entries out of order": (lambda: twins(b"100644", b"x.py", b"starter.py"), "treeNotSorted"),
    "one name twice": (lambda: twins(b"100644", b"starter.py", b"starter.py"), "duplicateEntries"),
    "two spellings": (lambda: twins(b"100644", b"STARTER.py", b"starter.py"), "differ in capitals alone"),
    "full-width letters": (lambda: twins(b"100644", b"starter.py", "ｓtarter.py".encode()), "one name to some"),
    "an unseen letter": (lambda: twins(b"100644", b"starter.py", "starter\u200b.py".encode()), "starter\\u200b.py"),
    "a dot at the end": (lambda: twins(b"100644", b"starter.py", b"starter.py."), "one name to some computers"),
    "two folders": (lambda: twin_folders(b"Basics"), "differ in capitals alone"),
    "two folders, full-width": (lambda: twin_folders("ｂasics".encode()), "one name to some computers"),
    "zero-padded mode": (zero_padded, "zeroPaddedFilemode"),
    "mode of a device": (lambda: beside(b"20644", b"zzz", BLOB_X), "badFilemode|mode"),
    "a path as a name": (lambda: beside(b"100644", b"x/../../y", BLOB_X), "fullPathname"),
    "a folder called .git": (lambda: beside(b"40000", b".git", tree((b"100644", b"config", BLOB_X.id))), "hasDotgit"),
    "a name of Windows for .git": (lambda: beside(b"100644", b"git~1", BLOB_X), "hasDotgit"),
    "submodules that run programs": (lambda: beside(b"100644", b".gitmodules", MODULES), "gitmodules"),
    ".gitmodules that is a link": (lambda: beside(b"120000", b".gitmodules", LINKED), "gitmodules"),
    "an object that is missing": (lambda: of(tree((b"40000", b"basics", "3" * 40))), "missing|unpacker|connected"),
    "a starter that is a link": (lambda: of(*_one(b"120000", LINKED)), "is a link"),
    "a starter that is a submodule": (lambda: of(*_one(b"160000", BLOB_X)), "is a submodule"),
    "a pointer in place of the file": (
        lambda: of(*course(b"version https://git-lfs.github.com/spec/v1\noid x\n")), "Git LFS pointer"
    ),
    "an encoding with escapes": (lambda: of(*course(b"# coding: unicode_escape\n" + GOOD)), "in unicode_escape"),
    "NUL in the file": (lambda: of(*course(GOOD + b"\0")), "NUL"),
    "no UTF-8": (lambda: of(*course(GOOD + b"#\xff")), "UTF-8"),
    "a file of two megabytes": (lambda: of(*course(b"#" * (2 * MIB))), "larger than 1 MB"),
    "a huge file beside it": (lambda: of(*course(GOOD), Thing(BLOB, b"\0" * (80 * MIB))), "over limit|exceeds"),
    "300,000 files in the lab": (lambda: crowded(300_000, where="lab"), "holds too many files"),
    "300,000 files in the root": (lambda: crowded(300_000), "holds too many files"),
    "a delta that grows": (delta_bomb, "over limit|unpack|unresolved"),
    "deltas in a circle": (cycle, "unresolved|unpack"),
    "fewer objects than it says": (lambda: damaged(lambda one: resummed(one[:8] + b"\0\0\0\x63" + one[12:-20])),
                                   "unpack|EOF|bad|inflate"),
    "four billion objects": (lambda: damaged(lambda one: resummed(one[:8] + b"\xff" * 4 + one[12:-20])), "unpack"),
    "another version": (lambda: damaged(lambda one: resummed(one[:4] + b"\0\0\0\x09" + one[8:-20])), "unpack"),
    "a wrong sum": (lambda: damaged(lambda one: one[:-1] + bytes([one[-1] ^ 1])), "unpack"),
    "cut off": (lambda: damaged(lambda one: one[: len(one) // 2]), "unpack|early EOF"),
    "no pack at all": (lambda: ("1" * 40, b""), "unpack"),
    "an author with line breaks": (lambda: of(*course(GOOD), author=b"A\0B <a@b> 1 +0000"), "nulInHeader|unpack|bad"),
    "an author without a name": (lambda: of(*course(GOOD), author=b"remote: 10 of 10"), "missingEmail|unpack"),
    "a date without end": (lambda: of(*course(GOOD), author=b"A <a@b> " + b"9" * 40 + b" +0000"), "badDateOverflow"),
}  # fmt: skip


def _one(mode: bytes, what: Thing) -> list[Thing]:
    """A course whose starter.py has that mode."""
    found, inner = [what], tree((mode, b"starter.py", what.id))
    for name in (b"toy-1", b"labs", b"basics"):
        found.append(inner)
        inner = tree((b"40000", name, inner.id))
    return [*found, inner]


def main_of(school: School) -> str:
    return school.bare("amy").git("rev-parse", "refs/heads/main")


@pytest.mark.parametrize("name", REFUSED)
def test_a_push_is_refused_and_nothing_of_it_is_kept(school: School, name: str) -> None:
    build, says = REFUSED[name]
    new, packed = build()
    refused(school, request(main_of(school), new, packed), says)


def refused(school: School, body: bytes, says: str) -> None:
    before, handed_in = kept(school), len(school.handed_in("amy"))
    Path(f"/proc/{school.grader.pids[-1]}/clear_refs").write_text("5", encoding="ascii")
    now, started = memory(school, "VmRSS"), time.monotonic()
    said = push(school, body)
    assert time.monotonic() - started < MOST_SECONDS
    assert memory(school, "VmHWM") - now < MOST_MEMORY
    assert "ok refs/heads/main" not in said
    words = told(said)
    assert any(word in words for word in says.split("|")), words[-600:]
    assert ESCAPES.search(re.sub("\x1b\\[K", "", words)) is None, words[-600:]
    wait_until(lambda: processes(school) == [], "processes of git are left")
    assert kept(school) == before
    assert len(school.handed_in("amy")) == handed_in


REFS: dict[str, tuple[bytes, str]] = {
    "dots": (b"refs/heads/../../config", "funny refname|ng refs"),
    "absolute": (b"/etc/passwd", "funny refname|ng "),
    "HEAD": (b"HEAD", "funny refname|ng HEAD"),
    "hidden": (b"refs/grader/first", "hidden ref"),
    "replacing": (b"refs/replace/" + b"1" * 40, "only the branch main is graded"),
    "lock": (b"refs/heads/main.lock", "funny refname|ng "),
    "escapes": (b"refs/heads/\x1b]0;x\x07", "funny refname|ng "),
    "not UTF-8": (b"refs/heads/\xff\xfe", "only the branch main is graded"),
    "turned around": ("refs/heads/\u202eniam".encode(), "only the branch main is graded"),
    "60,000 letters": (b"refs/heads/" + b"x" * 60_000, "ng |only the branch main|too long"),
}


@pytest.mark.parametrize("name", REFS)
def test_a_ref_that_is_not_main_is_refused(school: School, name: str) -> None:
    ref, says = REFS[name]
    new, packed = of(*course(answer(10, name)))
    before = kept(school)
    said = push(school, request(NONE, new, packed, ref=ref))
    assert any(word in said for word in says.split("|")), said[-400:]
    assert re.search(rb"^....ok ", said.encode(), re.MULTILINE) is None
    wait_until(lambda: processes(school) == [], "processes of git are left")
    assert kept(school) == before


def test_many_refs_at_once_are_refused_in_words(school: School) -> None:
    new, packed = of(*course(answer(10, "many refs")))
    more = b"".join(packet(b"%s %s refs/heads/b%d" % (NONE.encode(), new.encode(), n)) for n in range(20_000))
    refused(school, request(main_of(school), new, packed, more=more), "too many refs at once")


def test_a_push_that_is_cut_as_shallow_is_refused(school: School) -> None:
    new, packed = of(*course(answer(10, "shallow")), extra=b"parent " + b"2" * 40 + b"\n")
    body = packet(b"shallow " + new.encode()) + request(main_of(school), new, packed)
    refused(school, body, "shallow")


TAKEN: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a submodule beside it": lambda: of(*course(GOOD, (b"160000", b"zzz", "4" * 40))),
    "a link beside it": lambda: beside(b"120000", b"zzz", LINKED),
    "hooks in the tree": lambda: beside(b"100755", b"hooks", Thing(BLOB, b"#!/bin/sh\ntouch /tmp/owned\n")),
    "settings in the tree": lambda: beside(b"100644", b"config", Thing(BLOB, b"[core]\n\tfsmonitor = id\n")),
    "names that are not UTF-8": lambda: beside(b"100644", b"\xff\xfe\x1b[31m", BLOB_X),
    "a folder 1,000 deep": lambda: deep(1_000),
    "5,000 files in the lab": lambda: crowded(5_000, where="lab"),
    "a message of escapes": lambda: of(
        *course(GOOD), author="\u202e\x1b]0;x\x07 =1+1 <a@b> 1 +0000".encode(),
        message=b"\x1b[2J\nremote: 10 of 10 points\n" + b"A" * MIB,
    ),
}  # fmt: skip


def test_something_behind_the_pack_is_refused_or_never_looked_at(school: School) -> None:
    """git refuses what it reads together with the pack's end, and does not read on else: both may be."""
    before = main_of(school)
    new, packed = damaged(lambda one: one + b"garbage" * 100)
    said = push(school, request(before, new, packed))
    taken = "ok refs/heads/main" in said
    assert taken or "ng refs/heads/main" in said
    assert main_of(school) == (new if taken else before)
    assert "garbage" not in told(said)
    wait_until(lambda: processes(school) == [], "processes of git are left")


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_beside_the_file_is_stored_and_never_looked_at(school: School, name: str) -> None:
    new, packed = TAKEN[name]()
    said = push(school, request(main_of(school), new, packed))
    assert "ok refs/heads/main" in said, told(said)[-600:]
    words = told(said)
    assert "owned" not in words
    assert not re.search("^ *remote:", words, re.MULTILINE), "a message of a commit is not shown"
    assert ESCAPES.search(words) is None
    assert not Path("/tmp/owned").exists()
    assert not (bare(school) / "hooks").exists()
    wait_until(lambda: processes(school) == [], "processes of git are left")
