"""A lab's spec at home and over the channel, without a sandbox: the two must say the same of honest code.

`python -m tests.fuzz.split LAB SEED FOUND FILE...` runs the spec of a lab both ways for each file. Over the channel,
each test's calls go to a forked child that holds the file, through the very code that judge and guest run. What is
imported is imported once: each run of the spec is a fork, too.
"""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from labkit.manifest import Manifest
from labkit.plugin import GUEST_TRANSPORT

from worker.harness.child import Child, settle
from worker.harness.frames import receive_frame
from worker.harness.link import GuestTransport
from worker.harness.messages import Ending, read_hello

ROOT = Path(__file__).parents[2]
MEMORY = 512 * 1024 * 1024
#: Of a test and of a run: how long things take is not compared.
SECONDS = 300.0
#: How a submission can be held.
WAYS = ("home", "guest")
#: Outcome, verdict and cause, by test.
Said = dict[str, list[str]]


class Forked:
    """Stands in for a Link: each fork is a child of this very process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._child = 0

    def fork(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._child = os.fork()
        if self._child == 0:
            try:
                ours.close()
                quiet = os.open(os.devnull, os.O_RDWR)
                for descriptor in (0, 1, 2):
                    os.dup2(quiet, descriptor)
                settle(MEMORY)
                Child(self._file, None).serve(theirs, "token")
            finally:
                os._exit(0)
        theirs.close()
        assert read_hello(receive_frame(ours, time.monotonic() + SECONDS)) == ("child", "token")
        return ours

    def reap(self) -> Ending:
        os.kill(self._child, signal.SIGKILL)
        return Ending(os.waitpid(self._child, 0)[1], "")


class Spec:
    """pytest plugin: keeps what a spec says of each test, and is what LAB_IMPL=guest stands for."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: list[GuestTransport] = []
        self.said: Said = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[GUEST_TRANSPORT] = self._make

    def _make(self, manifest: Manifest, seed: int) -> GuestTransport:
        link = Forked(self._file)
        self._open.append(GuestTransport(link, seed, SECONDS, time.monotonic() + SECONDS))  # type: ignore[arg-type]
        return self._open[-1]

    def pytest_runtest_teardown(self) -> None:
        while self._open:
            self._open.pop().close()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            told = dict(report.user_properties)
            cause = told.get("diagnosis", {}).get("cause", "")
            self.said[report.nodeid.partition("::")[2]] = [report.outcome, told.get("verdict", ""), cause]


def _run(lab: str, seed: str, file: str, way: str, found: str) -> None:
    """One run of the spec, in a process of its own; what it said becomes a line of `found`."""
    os.environ.update(LAB_IMPL=file if way == "home" else "guest", LAB_SEED=seed)
    spec = Spec(Path(file))
    pytest.main([lab, "-q", "-p", "no:cacheprovider"], plugins=[spec])
    with Path(found).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps([way, file, spec.said]) + "\n")


def main() -> None:
    lab, seed, found, *files = sys.argv[1:]
    for file in files:
        for way in WAYS:
            run = multiprocessing.get_context("fork").Process(target=_run, args=(lab, seed, file, way, found))
            run.start()
            run.join()


def verdicts(lab: Path, files: list[Path], seed: int, found: Path) -> dict[str, dict[str, Said]]:
    """What the spec in `lab` says of each file, by way and file."""
    env = os.environ | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'labs'}", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.fuzz.split", str(lab), str(seed), str(found), *map(str, files)]
    run = subprocess.run(command, cwd=ROOT / "labs", env=env, capture_output=True, text=True, check=False)
    said: dict[str, dict[str, Said]] = {way: {} for way in WAYS}
    for line in found.read_text(encoding="utf-8").splitlines() if found.is_file() else ():
        way, file, tests = json.loads(line)
        said[way][file] = tests
    for way in WAYS:
        assert all(said[way].get(str(file)) for file in files), run.stdout[-2000:] + run.stderr[-2000:]
    return said


if __name__ == "__main__":
    main()
