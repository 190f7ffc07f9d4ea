"""What the guest holds, searched from inside by a submission: its memory and the zygote's, environment, files, sockets.

The seed, the spec and the solution bear marks that the search can recognise without holding them itself.
"""

import base64
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import kind
from tests.fake_grader import assignment
from worker import supervisor
from worker.attempt import read_assignment
from worker.sandbox import Sandbox

LABS = Path(__file__).parents[2] / "labs"
WORD = 1 << 64
#: Odd, so that multiplying by it can be undone: the search holds seeds times this and never a seed.
FACTOR = 0x9E3779B97F4A7C15
_START = "57575757"

_SEARCH = """
import ctypes, json, os, re, socket
import numpy as np

LIBC = ctypes.CDLL(None)
LIBC.write.restype = ctypes.c_ssize_t

def look():
    found = []
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        told = read(f"/proc/{pid}/environ") + read(f"/proc/{pid}/cmdline")
        found += [f"environment or arguments of {pid}: {hit}" for hit in marks(told)]
        found += [f"memory of {pid}: {hit}" for hit in memory(pid)]
    for top in ("/work", "/channel", "/tmp", "/var", "/home", "/root", "/run", "/opt/site", "/etc", "/dev/shm", "/mnt"):
        for folder, _, names in os.walk(top):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.isfile(path) and os.path.getsize(path) < 1 << 22:
                    found += [f"{path}: {hit}" for hit in marks(read(path))]
    return json.dumps(sorted(set(found)))[:3000]

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

def memory(pid):
    for line in read(f"/proc/{pid}/maps").decode().splitlines():
        span, rights = line.split()[:2]
        if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            continue
        at, end = (int(word, 16) for word in span.split("-"))
        for data in own(at, end) if int(pid) == os.getpid() else others(pid, at, end):
            yield from marks(data)
            yield from numbers(data)

def own(at, end):
    # by the kernel, to a file: our own /proc/self/mem is closed to us as well, and a hole would end us
    with open("/work/copy", "w+b", buffering=0) as file:
        os.unlink("/work/copy")
        while at < end:
            file.seek(0)
            size = LIBC.write(file.fileno(), ctypes.c_void_p(at), ctypes.c_size_t(min(1 << 22, end - at)))
            file.seek(0)
            if size > 0:
                yield file.read(size)
            at += max(size, 4096)

def others(pid, at, end):
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
            while at < end:
                file.seek(at)
                data = file.read(min(1 << 22, end - at))
                if not data:
                    break
                yield data
                at += len(data)
    except OSError:
        return

def marks(data):
    for pattern in PATTERNS:
        for hit in re.finditer(pattern, data):
            yield hit.group()[:12].decode() + "..."

PATTERNS = [("MA" + "RK-of-").encode() + b"[a-z]{4,9}-[0-9a-f]{32}", ("575" + "75757").encode() + b"[0-9]{11}"]

def numbers(data):
    for offset in range(8):
        words = np.frombuffer(data, "<u8", (len(data) - offset) // 8, offset)
        for form, scaled in SCALED.items():
            if bool((words * np.uint64(FACTOR) == np.uint64(scaled)).any()):
                yield "the seed, " + form
"""
_SPEC = """
# {mark}
SECRET = "{mark}"

def test_one(expect, lab_seed):
    expect.call("look").equals("[]", advice="the guest holds what it must not")
"""


def _mark(what: str) -> str:
    return f"MARK-of-{what}-{secrets.token_hex(16)}"


def _search(seed: int) -> str:
    """The submission. A number in memory: a word, either way round, or Python's digits of 30 bits, two a word."""
    forms = {
        "a word": seed,
        "a word, big end first": int.from_bytes(seed.to_bytes(8, "big"), "little"),
        "digits of 30 bits": (seed & (1 << 30) - 1) | ((seed >> 30 & (1 << 30) - 1) << 32),
    }
    scaled = {form: value * FACTOR % WORD for form, value in forms.items()}
    return f"FACTOR = {FACTOR}\nSCALED = {scaled!r}\n{_SEARCH}"


def _work(planted: str = "") -> dict[str, Any]:
    work = assignment(
        _SPEC.format(mark=_mark("spec")),
        "split",
        _search(seed := _seed()) + planted.format(seed=seed, less=seed - 10**18),
    )
    manifest = work["manifest"].replace('one = "() -> int"', 'look = "() -> str"')
    files = {
        "pytest.ini": (LABS / "pytest.ini").read_text(encoding="utf-8"),
        "tiny/lab.toml": manifest,
        "tiny/solution.py": f'ANSWER = "{_mark("solution")}"\n',
        "tiny/hints.toml": f"# {_mark('hint')}\n",
    }
    work["bundle"] |= {path: base64.b64encode(text.encode()).decode() for path, text in files.items()}
    return work | {"manifest": manifest, "seed": seed}


def _seed() -> int:
    """A number of 19 digits, two of Python's own, of which nobody knows the last eleven."""
    return int(_START + str(secrets.randbelow(10**11)).zfill(11))


def _message(work: dict[str, Any], sandbox: Sandbox) -> str:
    """What the one test said; "" where it passed, that is where the search found nothing."""
    result = supervisor.run(read_assignment(work), sandbox, lambda event: None)
    assert result.report is not None, result.problem
    (test,) = json.loads(result.report)["tests"]
    return "" if test["outcome"] == "passed" else json.dumps(test)


def test_the_guest_holds_no_seed_no_spec_and_no_solution(sandbox: Sandbox) -> None:
    assert _message(_work(), sandbox) == ""


# what is planted, and by which words the search tells of it
PLANTS = {
    "the seed in a file": ("open('/work/left', 'w').write('{seed}')", "/work/left: 5757"),
    "the seed as a number": ("HELD = {less} + 10**18", "the seed, digits of 30 bits"),
    "the seed in an array": ("HELD = np.array([3, {less} + 10**18], dtype='<u8')", "the seed, a word"),
    "the seed in a message": ("HELD = ({less} + 10**18).to_bytes(8, 'big')", "the seed, a word, big end first"),
    "the spec in memory": ("HELD = 'MARK-of' + '-spec-' + 'ab' * 16", "memory of"),
    "the solution in a file": ("open('/work/left', 'w').write('MARK-of' + '-hint-' + 'ab' * 16)", "/work/left: MARK"),
    "the seed in the environment": ("os.putenv('SEED', '{seed}')", "memory of"),
}


@pytest.mark.bubblewrap
@pytest.mark.parametrize(("planted", "words"), PLANTS.values(), ids=list(PLANTS))
def test_the_search_would_find_them(planted: str, words: str) -> None:
    sandbox = kind("bubblewrap")
    assert sandbox is not None
    assert words in _message(_work(planted + "\n"), sandbox)
