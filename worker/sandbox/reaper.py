"""Removes what dead workers left on this host: folders, control groups, containers and volumes.

Run by `watch` when its worker is gone, by `grader doctor --sweep`, and in part by every new cell. Whatever belongs to
a living worker, or to one of whom nobody here can tell, stays. Two at it at once do no harm.
"""

import importlib
import importlib.util
import os
import select
import time
from collections.abc import Sequence
from contextlib import closing, suppress

from worker.sandbox import SandboxError, cgroup, owner
from worker.sandbox.watch import BYE, ENGINE

#: When to look again after a sudden end, in seconds after the look before: the engine may still have been at work on
#: the last thing that the worker asked of it.
_AGAIN_S = (1.0, 2.0, 3.0)
_DEATH_S = 10.0


def sweep(engine: bool = True) -> list[str]:
    """Remove it all, in the Docker engine too with `engine`; what was removed, a name each."""
    removed = owner.sweep_folders()
    parents = cgroup.find()
    if parents:
        removed += cgroup.sweep(parents)
        cgroup.leave(parents)
    return removed + (_sweep_engine() if engine else [])


def main(words: Sequence[str]) -> None:
    """The watcher's end: `words` are the process number of its worker and what that told it."""
    engine = ENGINE in words
    _await_end(int(words[0]))
    for pause in (0.0, *(() if BYE in words else _AGAIN_S)):
        time.sleep(pause)
        sweep(engine)


def _await_end(pid: int) -> None:
    """Its end of the pipe is closed a little before it counts as gone."""
    if not hasattr(os, "pidfd_open"):  # not Linux: the later looks find it gone
        return
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            select.select([handle], [], [], _DEATH_S)
        finally:
            os.close(handle)


def _sweep_engine() -> list[str]:
    if importlib.util.find_spec("docker") is None:
        return []
    try:
        with closing(importlib.import_module("worker.sandbox.engine").connect()) as api:
            removed: list[str] = importlib.import_module("worker.sandbox.docker_sweep").sweep(api)
    except SandboxError:  # no engine, nothing in it
        return []
    return removed
