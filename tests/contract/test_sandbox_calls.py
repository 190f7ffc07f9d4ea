"""Which system calls a sandboxed process gets through: each number tried for real, and what honest code needs."""

import errno
import json
import platform
import textwrap
from typing import Any

import pytest

from tests.contract.sandboxed import said
from worker.limits import Limits
from worker.sandbox import Role, Sandbox
from worker.sandbox.calls import ALLOWED, ANSWERS, CONDITIONS, NEWEST, allowed

ROOM = Limits(memory_mib=512, scratch_mib=32, processes=32)
#: What the kernel itself plants for tracers (uretprobe, uprobe) and lets by every filter: it kills any other caller.
PLANTED = {335, 336} if platform.machine() == "x86_64" else set()
REFUSALS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP}

_TRY = """
    import ctypes, errno, json, sys
    libc = ctypes.CDLL(None, use_errno=True)
    nowhere = ctypes.c_void_p(8)
    answers = {}
    for number, first in json.loads(sys.argv[1]):
        ctypes.set_errno(0)
        # arguments that the kernel finds wrong with another word, where it looks at them at all
        result = libc.syscall(number, ctypes.c_long(first), nowhere, nowhere, nowhere, nowhere, nowhere)
        answers[number] = 0 if result >= 0 else ctypes.get_errno()
    print(json.dumps(answers))
"""

_HONEST = """
    import asyncio, json, os, pathlib, random, shutil, signal, socket, subprocess, tempfile, threading
    import numpy as np
    rng = np.random.default_rng(0)
    square = rng.normal(size=(120, 120))
    np.linalg.svd(square), np.linalg.eigh(square @ square.T), np.linalg.solve(square, square), np.fft.fft2(square)
    rng.multinomial(9, [0.5, 0.5]), np.random.seed(), np.zeros((2000, 2000)) + 1
    done = []
    threads = [threading.Thread(target=lambda: done.append(float(np.dot(square, square).sum()))) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    child = os.fork()
    if child == 0:
        os._exit(3)
    done.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    done.append(subprocess.run("echo said | tr a-z A-Z", shell=True, capture_output=True, text=True).stdout)
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as name:
        folder = pathlib.Path(name)
        (folder / "a").write_text("words")
        shutil.copy2(folder / "a", folder / "b")
        shutil.copytree(folder, folder.with_name("tree"))
        (folder / "b").rename(folder / "c"), (folder / "c").chmod(0o600), (folder / "link").symlink_to("c")
        table = np.memmap(folder / "table", shape=(100,), mode="w+", dtype=float)
        table[:] = 1
        table.flush()
        done.append([sorted(os.listdir(folder)), float(np.memmap(folder / "table", dtype=float).sum())])
    async def later():
        process = await asyncio.create_subprocess_exec("true")
        await asyncio.sleep(0.01)
        return await process.wait()
    done.append(asyncio.run(later()))
    signal.signal(signal.SIGALRM, lambda *_: done.append("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    one, other = socket.socketpair()
    one.sendall(b"hello")
    done.append(other.recv(9).decode())
    print(json.dumps(done[4:]))
"""
_SERVER = """
    import json, os, pathlib, socket
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("/work/door")
        door.listen(1)
    print(json.dumps("listened"))
"""


def _numbers(names: dict[str, Any]) -> set[int]:
    return {number for pair in names.values() if (number := getattr(pair, platform.machine(), None)) is not None}


def _answers(sandbox: Sandbox, role: Role, tries: list[tuple[int, int]]) -> dict[int, int]:
    with sandbox.cell() as cell:
        found = said(cell, _TRY, json.dumps(tries), role=role, limits=ROOM)
    return {int(number): answer for number, answer in found.items()}


@pytest.fixture
def filtered(sandbox: Sandbox) -> Sandbox:
    """The kinds whose processes ask the host's kernel."""
    if "runsc" in sandbox.name:
        pytest.skip("docker+runsc: gVisor answers every call itself, none reaches the host's kernel")
    return sandbox


@pytest.mark.parametrize("role", list(Role))
def test_what_is_not_in_the_table_is_refused(filtered: Sandbox, role: Role) -> None:
    """Each number there is and some there are not yet, one process, none of them deadly."""
    looked_at = _numbers({name: pair for one in CONDITIONS for name, pair in one.numbers().items()})
    passed = _numbers(dict(allowed(role))) | looked_at | PLANTED
    tries = [(number, -1) for number in range(NEWEST + 30) if number not in passed]
    answers = _answers(filtered, role, tries)
    assert len(answers) > 250
    assert {number: errno.errorcode.get(code, code) for number, code in answers.items() if code not in REFUSALS} == {}
    assert {answers[number] for number in range(NEWEST + 1, NEWEST + 30)} == {errno.ENOSYS}
    for one in ANSWERS:
        assert {answers[number] for number in _numbers(dict(one.numbers()))} == {one.code}


def test_arguments_are_looked_at(filtered: Sandbox) -> None:
    """A new namespace, another's bounds, another family than AF_UNIX, a filter of one's own, words into a terminal."""
    code = """
        import ctypes, errno, json, os, socket
        libc = ctypes.CDLL(None, use_errno=True)
        def tried(call, *arguments):
            ctypes.set_errno(0)
            return "done" if call(*arguments) >= 0 else errno.errorcode[ctypes.get_errno()]
        def family(number, kind=socket.SOCK_STREAM):
            return tried(libc.socket, number, kind, 0)
        here, there = socket.socketpair()
        room = ctypes.create_string_buffer(64)
        print(json.dumps({
            "clone": tried(libc.syscall, CLONE, ctypes.c_long(0x10000000 | 17), None, None, None, None),
            "bounds of itself": tried(libc.prlimit, 0, 3, room, room),
            "bounds by number": sorted({tried(libc.prlimit, pid, 3, None, room) for pid in (1, os.getpid(), -1)}),
            "priorities": sorted({tried(libc.setpriority, 0, pid, 5) for pid in (0, 1)}),
            "families": sorted({family(number) for number in range(46) if number != 1}),
            "pairs": tried(libc.socketpair, 30, 1, 0, room),
            "unix": family(1),
            "seccomp": tried(libc.prctl, 22, 2, room, 0, 0),
            "renaming": tried(libc.prctl, 15, b"a name", 0, 0, 0),
            "TIOCSTI": tried(libc.ioctl, 0, 0x5412, room),
            "SO_ATTACH_FILTER": tried(libc.setsockopt, here.fileno(), 1, 26, room, 16),
            "SO_SNDBUF": tried(libc.setsockopt, here.fileno(), 1, 7, ctypes.byref(ctypes.c_int(9999)), 4),
        }))
    """
    number = {"x86_64": "56", "aarch64": "220"}[platform.machine()]
    with filtered.cell() as cell:
        found = said(cell, code.replace("CLONE", number), limits=ROOM)
    assert found == {
        "clone": "EPERM",
        "bounds of itself": "done",
        "bounds by number": ["EPERM"],
        "priorities": ["EPERM"],
        "families": ["EAFNOSUPPORT"],
        "pairs": "EAFNOSUPPORT",
        "unix": "done",
        "seccomp": "EPERM",
        "renaming": "done",
        "TIOCSTI": "EPERM",
        "SO_ATTACH_FILTER": "EPERM",
        "SO_SNDBUF": "done",
    }


def test_honest_code_misses_nothing(sandbox: Sandbox) -> None:
    """numpy, threads, forks, programs, files, timers, an event loop."""
    with sandbox.cell() as cell:
        done = said(cell, _HONEST, limits=ROOM)
    assert done == [3, "SAID\n", [["a", "c", "link", "table"], 100.0], 0, "alarm", "hello"]


def test_only_the_judge_listens(filtered: Sandbox) -> None:
    """A guest that cannot listen keeps no door for the next."""
    with filtered.cell() as cell:
        assert said(cell, _SERVER, role=Role.JUDGE) == "listened"
        refused = textwrap.dedent(_SERVER).replace("import json,", "import json, sys,")
        refused = (
            f"import json\ntry:\n{textwrap.indent(refused, '    ')}except PermissionError:\n    print('\"refused\"')"
        )
        assert said(cell, refused) == "refused"


def test_every_group_says_why_and_no_call_is_told_twice() -> None:
    names = [name for group in (*ALLOWED, *ANSWERS, *CONDITIONS) for name in group.numbers()]
    assert len(names) == len(set(names))
    assert all(len(group.reason) > 5 for group in (*ALLOWED, *ANSWERS, *CONDITIONS))
