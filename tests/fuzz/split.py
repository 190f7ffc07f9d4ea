"""A lab's spec at home and over the channel, without a sandbox: the two must say the same of honest code.

As a pytest plugin it is what LAB_IMPL=guest stands for: each test's calls go to a forked child that holds the file
SPLIT_FILE, through the very code that judge and guest run.
"""

import json
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

from worker.harness.frames import receive_frame
from worker.harness.guest import Child
from worker.harness.link import GuestTransport
from worker.harness.messages import Ending, read_hello

ROOT = Path(__file__).parents[2]
MEMORY = 512 * 1024 * 1024
#: As in a test's run on the service, where it is the whole run's.
RUN_SECONDS = 300.0


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
                sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
                Child(theirs, "token", self._file, MEMORY).serve()
            finally:
                os._exit(0)
        theirs.close()
        assert read_hello(receive_frame(ours, time.monotonic() + 30)) == ("child", "token")
        return ours

    def reap(self) -> Ending:
        os.kill(self._child, signal.SIGKILL)
        return Ending(os.waitpid(self._child, 0)[1], "")


_OPEN: list[GuestTransport] = []


def pytest_configure(config: pytest.Config) -> None:
    """Be the guest, and leave what was found in a file."""

    def make(manifest: Manifest, seed: int) -> GuestTransport:
        link = Forked(Path(os.environ["SPLIT_FILE"]))
        _OPEN.append(GuestTransport(link, seed, manifest.test_seconds, time.monotonic() + RUN_SECONDS))  # type: ignore[arg-type]
        return _OPEN[-1]

    config.stash[GUEST_TRANSPORT] = make


def pytest_runtest_teardown() -> None:
    """End the test's child."""
    while _OPEN:
        _OPEN.pop().close()


_FOUND: dict[str, list[str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the verdict and the cause of each test."""
    if report.when == "call":
        told = dict(report.user_properties)
        diagnosis = told.get("diagnosis", {})
        _FOUND[report.nodeid.partition("::")[2]] = [
            report.outcome, str(told.get("verdict", "")), str(diagnosis.get("cause", ""))
        ]  # fmt: skip


def pytest_sessionfinish() -> None:
    """Write it down."""
    Path(os.environ["SPLIT_FOUND"]).write_text(json.dumps(_FOUND), encoding="utf-8")


def verdicts(lab: Path, file: Path, seed: int, found: Path, *, split: bool) -> dict[str, list[str]]:
    """Outcome, verdict and cause of each test of the spec in `lab` for `file`, at home or over the channel."""
    env = {
        **os.environ, "LAB_IMPL": "guest" if split else str(file), "LAB_SEED": str(seed), "SPLIT_FILE": str(file),
        "SPLIT_FOUND": str(found), "PYTHONPATH": f"{ROOT}:{ROOT / 'labs'}", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", str(lab), "-q", "-p", "no:cacheprovider", "-p", "tests.fuzz.split"]
    run = subprocess.run(
        command, cwd=ROOT / "labs", env=env, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert found.is_file(), run.stdout[-2000:] + run.stderr[-2000:]
    return dict(json.loads(found.read_text(encoding="utf-8")))
