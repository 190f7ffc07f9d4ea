"""A worker leaves nothing, however its runs end and however it ends itself: counted on the whole machine.

Real worker programs, woken through Redis, sandboxes of every kind; a worker is killed where its sandboxes come up, in
the middle of a run, together with its watcher, and once and for all.
"""

import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sandboxed import left_by
from tests.fake_grader import WORKER_TOKEN, FakeGrader, assignment
from tests.services import wait_until
from worker.broker import TASK, celery_app
from worker.sandbox import Sandbox

pytestmark = [pytest.mark.redis, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
WORK = ("-c", "from worker.program import main; raise SystemExit(main(['cpu'], 1))")
#: A watcher's looks at what its worker left, the last of them six seconds after the first; and a slow engine.
SOON_GONE = 30.0

#: Every process of a submission bears a name by which it is found on the host, wherever it went.
NAMED = "import ctypes\nctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)\n"
SPEC = {
    "split": "def test_one(expect):\n    expect.call('one').equals(1)\n",
    "joined": "import starter\n\ndef test_one():\n    assert starter.one() == 1\n",
}
#: What outlives its parent where it can: in a session of its own, deaf to every signal, with the pipes held open.
DAEMON = """
import os, signal, time
def one():
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open("left", "w").write("x")
            time.sleep(600)
        os._exit(0)
    {then}
"""
ENDS = {
    "right": DAEMON.format(then="return 1"),
    "crash": DAEMON.format(then="os.kill(os.getpid(), signal.SIGKILL)"),
    "segfault": "import ctypes\ndef one():\n    ctypes.string_at(0)\n",
    "hang": DAEMON.format(then="time.sleep(600)"),
    "memory": "def one():\n    held = []\n    while True:\n        held.append(b'x' * (8 << 20))\n",
}


@pytest.fixture
def name() -> str:
    """What the processes of this test's runs are called; the kernel keeps 15 letters."""
    return f"leak-{os.urandom(5).hex()}"


@pytest.fixture
def grader() -> Iterator[FakeGrader]:
    found = FakeGrader()
    found.lease_s = 3
    yield found
    found.down()


class Worker:
    """`grader worker` for one sandbox kind, with a temporary directory of its own to leave things in."""

    def __init__(self, sandbox: Sandbox, grader: FakeGrader, redis_url: str, folder: Path) -> None:
        kind, _, runtime = sandbox.name.partition("+")
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        settings = {"BROKER": redis_url, "URL": grader.url, "WORKER_TOKEN": WORKER_TOKEN, "SANDBOX": kind}
        own = {f"GRADER_{name}": value for name, value in settings.items()} | {"TMPDIR": str(self.temporary)}
        if runtime:
            own["GRADER_DOCKER_RUNTIME"] = runtime
        self._grader = grader
        self._heard = len(grader.told("heartbeat"))
        self._app = celery_app(redis_url)
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, *WORK],
            cwd=ROOT,
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wakes_up(self) -> "Worker":
        """Wait until it is ready."""
        self._grader.wait_for(lambda: len(self._grader.told("heartbeat")) > self._heard)
        return self

    def is_sent(self, job: str) -> None:
        """Wake it up for a job."""
        self._app.send_task(TASK, args=[job], queue="cpu")

    def grades(self, job: str) -> dict[str, Any]:
        """One job from its message to its result."""
        self.is_sent(job)
        self._grader.wait_for(lambda: any(call.job == job for call in self._grader.told("result")))
        return next(call.body for call in self._grader.told("result") if call.job == job)

    def is_killed(self) -> None:
        """kill -9, the program alone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stops(self) -> int:
        """As an operator stops it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def watchers(self) -> list[int]:
        """The processes that wait for its end, or clear up after it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"worker.sandbox.reaper" in b" ".join(words) and str(self.process.pid).encode() in words:
                    found.append(int(folder.name))
        return found

    def left(self, name: str) -> list[str]:
        """Everything on this machine that came from it and its runs, but for itself."""
        found = left_by(self.process.pid) + [f"file {path}" for path in self.temporary.iterdir()]
        found += [f"process {pid}" for pid in _called(name)]
        return found + _held_by(self.process.pid)


def _called(name: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text(encoding="utf-8", errors="replace").strip() == name:
                found.append(int(folder.name))
    return found


def _held_by(pid: int) -> list[str]:
    """File locks of a process that is no more."""
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return [line for line in lines if f" {pid} " in line and not Path(f"/proc/{pid}").exists()]


def _abstract(pid: int) -> set[str]:
    """The numbers of the abstract sockets that a process holds: users claimed for its sandboxes."""
    ours = {line.split()[6] for line in _sockets() if "@grader-user-" in line}
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(descriptor.readlink()).removeprefix("socket:[").rstrip("]"))
    return ours & held


def _sockets() -> list[str]:
    return Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]


def _work(name: str, starter: str, isolation: str = "split", seconds: int = 1) -> dict[str, Any]:
    work = assignment(SPEC[isolation], isolation, NAMED.format(name=name) + starter)
    work["bundle"]["pytest.ini"] = base64.b64encode((ROOT / "labs" / "pytest.ini").read_bytes()).decode()
    work["manifest"] = work["manifest"].replace("test_seconds = 60", f"test_seconds = {seconds}")
    work["bundle"]["tiny/lab.toml"] = base64.b64encode(work["manifest"].encode()).decode()
    return work


@pytest.fixture
def begin(sandbox: Sandbox, grader: FakeGrader, redis_url: str, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Start a worker; whatever is started is killed at the end."""
    workers: list[Worker] = []

    def one() -> Worker:
        workers.append(Worker(sandbox, grader, redis_url, tmp_path))
        return workers[-1].wakes_up()

    yield one
    for worker in workers:
        worker.is_killed()


def test_runs_leave_nothing_however_they_end(
    begin: Callable[[], Worker], grader: FakeGrader, name: str, tmp_path: Path
) -> None:
    worker = begin()
    for end, starter in ENDS.items():
        grader.assignment = _work(name, starter)
        result = worker.grades(f"job-{end}")
        assert result["fault"] is None, result["problem"]
        wait_until(lambda: _called(name) == [], f"{end}: still there: {_called(name)}", 10)
    grader.assignment = _work(name, DAEMON.format(then="time.sleep(600)"), seconds=60)
    grader.always("beat", (200, {"cancel": True}))
    worker.is_sent("job-cancelled")
    grader.wait_for(lambda: grader.told("stopped"))
    wait_until(lambda: _called(name) == [], f"cancelled: still there: {_called(name)}", 10)
    # what is left now is the worker's own: judges and guests that wait for the next run
    assert worker.stops() == 0
    wait_until(lambda: worker.left(name) == [], f"left: {worker.left(name)}", 10)
    wait_until(lambda: worker.watchers() == [], "the watcher stays", 10)


@pytest.mark.parametrize("moment", ["starting", "started", "running"])
def test_a_killed_worker_that_never_comes_back_leaves_nothing(
    begin: Callable[[], Worker], grader: FakeGrader, name: str, moment: str
) -> None:
    worker = begin()
    isolation = "joined" if moment == "running" else "split"
    grader.assignment = _work(name, DAEMON.format(then="time.sleep(600)"), isolation=isolation, seconds=60)
    worker.is_sent("job-1")
    grader.wait_for(lambda: grader.told("claim"))
    if moment == "starting":
        wait_until(lambda: left_by(worker.process.pid) != [], "no sandbox comes up")
    elif moment == "started":
        time.sleep(0.25)  # nothing tells of it: in the middle of two starts, or a little after
    elif moment == "running":
        grader.wait_for(grader.events)
        assert worker.left(name)
    claims = _abstract(worker.process.pid)
    worker.is_killed()
    wait_until(lambda: worker.left(name) == [], f"left: {worker.left(name)}", SOON_GONE)
    wait_until(lambda: worker.watchers() == [], "the watcher stays", SOON_GONE)
    assert worker.left(name) == []
    assert not claims & {line.split()[6] for line in _sockets()}


def killed_with_its_watcher(begin: Callable[[], Worker], grader: FakeGrader, name: str) -> Worker:
    """In the middle of a run: what it had started is still there."""
    worker = begin()
    grader.assignment = _work(name, DAEMON.format(then="time.sleep(600)"), seconds=60)
    worker.is_sent("job-1")
    grader.wait_for(grader.events)
    for pid in worker.watchers():
        os.kill(pid, signal.SIGKILL)
    worker.is_killed()
    assert left_by(worker.process.pid), "nothing to clear up: this test shows nothing"
    return worker


def test_the_next_worker_clears_up_where_the_watcher_was_killed_too(
    begin: Callable[[], Worker], grader: FakeGrader, name: str
) -> None:
    worker = killed_with_its_watcher(begin, grader, name)
    begin()
    wait_until(lambda: worker.left(name) == [], f"left: {worker.left(name)}", SOON_GONE)


def test_an_operator_clears_up_by_hand(begin: Callable[[], Worker], grader: FakeGrader, name: str) -> None:
    worker = killed_with_its_watcher(begin, grader, name)
    command = [sys.executable, "-m", "grader", "doctor", "--sweep"]
    environment = {**os.environ, "TMPDIR": str(worker.temporary), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert worker.left(name) == [], done.stdout
