"""A forked process that copies what it shares before anybody waits for it."""

import mmap
import os
import platform
import resource
import sys
from pathlib import Path

import pytest

from worker.harness.memory import copy_now

PAGES = 2000


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def faults_of_writing(shared: bytearray, *, copied: bool) -> int:
    """How often a fork of this process faults while it writes to all pages of `shared`."""
    hear, tell = os.pipe()
    if os.fork() == 0:
        if copied:
            copy_now()
        before = faults()
        for place in range(0, len(shared), mmap.PAGESIZE):
            shared[place] = 1
        os.write(tell, str(faults() - before).encode())
        os._exit(0)
    os.wait()
    os.close(tell)
    with os.fdopen(hear) as told:
        return int(told.read())


@pytest.mark.skipif(sys.platform != "linux", reason="what a process shares is asked of Linux")
def test_what_was_copied_is_not_copied_again() -> None:
    if tuple(int(part) for part in platform.release().split(".")[:2]) < (5, 14):
        pytest.skip("this kernel copies nothing ahead: Linux 5.14 does")
    shared = bytearray(os.urandom(1)) * (PAGES * mmap.PAGESIZE)
    assert faults_of_writing(shared, copied=False) > PAGES // 2
    assert faults_of_writing(shared, copied=True) < PAGES // 20


def test_a_kernel_that_tells_nothing_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*told: object, **more: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "open", refuse)
    copy_now()
