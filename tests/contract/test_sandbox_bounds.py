"""What no sandboxed process can use up, and that nothing of it is left afterwards, however it or its worker ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.contract.sandboxed import SMALL, SOON, left_by, processes, said, start, wait_until_gone
from worker.sandbox import Role, Sandbox, owner

if find_spec("docker") is not None:
    from worker.sandbox import docker_sweep, engine
    from worker.sandbox.docker import DockerSandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mark() -> str:
    """A word by which this test's processes are known on the host."""
    return f"mark-{os.urandom(8).hex()}"


def test_a_memory_bomb_ends_with_its_process(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        process = start(cell, "held = []\nwhile True: held.append(b'x' * (8 << 20))")
        end = process.wait(60)
        process.kill()
    assert end.code != 0
    assert end.out_of_memory or "MemoryError" in process.stderr_tail()


def test_a_fork_bomb_is_bounded_and_dies(sandbox: Sandbox, mark: str) -> None:
    code = """
        import os, time
        made = 0
        try:
            while made < 2000:
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                made += 1
        except OSError:
            pass
        print(made, flush=True)
        time.sleep(60)
    """
    with sandbox.cell() as cell:
        process = start(cell, code, mark)
        line = process.read_line(60)
        if "runsc" in sandbox.name and line is None:
            assert process.wait(SOON).code != 0  # gVisor's own threads met the bound first, and all of it ended
        else:
            assert 1 <= int(line or b"-1") <= SMALL.processes
        process.kill()
        assert processes(mark) == []


def test_scratch_space_is_bounded(sandbox: Sandbox) -> None:
    code = """
        import errno, json
        written, code = 0, 0
        try:
            for name in range(64):
                with open(f"fill-{name}", "wb", buffering=0) as file:
                    for _ in range(4):
                        written += file.write(b"x" * (1 << 20))
                    if written > 64 << 20:
                        break
        except OSError as error:
            code = error.errno
        print(json.dumps([written >> 20, errno.errorcode.get(code)]))
    """
    with sandbox.cell() as cell:
        written, error = said(cell, code)
    assert written <= SMALL.scratch_mib
    assert error == "ENOSPC"


def test_what_will_not_die_is_gone_after_kill(sandbox: Sandbox, mark: str) -> None:
    code = """
        import os, signal, time
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                print("daemon", flush=True)
                time.sleep(600)
            os._exit(0)
        time.sleep(600)
    """
    with sandbox.cell() as cell:
        process = start(cell, code, mark)
        assert process.read_line(SOON) == b"daemon"
        began = time.monotonic()
        process.kill()
        assert time.monotonic() - began < 10
        assert processes(mark) == []
        assert process.read_line(SOON) is None


def test_nothing_is_left_after_a_cell(sandbox: Sandbox, mark: str) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with sandbox.cell() as cell:
        judge = start(cell, "open('/channel/left', 'w'); print('up', flush=True); input()", mark, role=Role.JUDGE)
        guest = start(cell, "import time; print('up', flush=True); time.sleep(600)", mark)
        assert (judge.read_line(SOON), guest.read_line(SOON)) == (b"up", b"up")
        assert left_by(os.getpid())
    assert processes(mark) == []
    assert left_by(os.getpid()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 2  # a client's idle connection may stay


_OWNER = """
import sys, time
sys.path.insert(0, {root!r})
from tests.conftest import kind
from worker.sandbox import Role
from worker.limits import Limits
with kind(sys.argv[1]).cell() as cell:
    code = "import os, time; os.fork() or os.setsid(); print('up', flush=True); time.sleep(600)"
    process = cell.start(Role.GUEST, ["python", "-c", code, sys.argv[2]], b"", Limits(memory_mib=128))
    process.read_line(20), process.read_line(20)
    print("up", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def worker_with_a_sleeper(*words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker with one cell and one sleeper, killed at the latest at the end."""
    command = [sys.executable, "-c", _OWNER.format(root=str(ROOT)), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_worker_leaves_nothing_for_long(sandbox: Sandbox, mark: str) -> None:
    with worker_with_a_sleeper(sandbox.name, mark) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"up\n"
        assert left_by(worker.pid)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        if sandbox.name == "bubblewrap":
            wait_until_gone(mark, 5)
    with sandbox.cell():
        pass
    assert left_by(worker.pid) == []
    assert processes(mark) == []


def test_a_worker_whose_end_nobody_asked_for_is_gone() -> None:
    """Its number is still taken, until its parent asks."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        mark = owner.new_mark().replace(f".{os.getpid()}.", f".{process.pid}.")
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").split()
        mark = mark.replace(f".{owner.current().started}-", f".{stat[21]}-")
        assert not owner.is_stale(mark)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}/stat").exists()
        assert owner.is_stale(mark)


@pytest.mark.docker
def test_what_a_containerised_worker_left_goes_with_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(engine.connect()) as api, DockerSandbox().cell() as cell:
        home = start(cell, "import time; time.sleep(600)")
        (container,) = [
            one["Id"]
            for one in api.containers(filters={"label": [docker_sweep.CELL]})
            if f".{os.getpid()}." in one["Labels"][docker_sweep.CELL]
        ]
        monkeypatch.setattr(docker_sweep.socket, "gethostname", lambda: container[:12])
        mark = owner.new_mark()
        api.create_volume(mark, labels=docker_sweep.labels(api, mark))
        monkeypatch.undo()

        def left() -> bool:
            docker_sweep.sweep(api)
            return mark in left_by(os.getpid())

        assert left()
        home.kill()
        assert not left()
