"""What the sandbox tests share: short programs, their answers, and a look at what is left on this machine."""

import contextlib
import json
import os
import tempfile
import textwrap
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from worker.limits import Limits
from worker.sandbox import Cell, Role, Running, SandboxError

if find_spec("docker") is not None:
    from worker.sandbox import engine

SOON = 20.0
SMALL = Limits(memory_mib=128, scratch_mib=8, processes=16)


def start(cell: Cell, code: str, *words: str, role: Role = Role.GUEST, limits: Limits = SMALL) -> Running:
    """Python `code` with `words` as its arguments and no input."""
    return cell.start(role, ["python", "-c", textwrap.dedent(code), *words], b"", limits)


def said(cell: Cell, code: str, *words: str, role: Role = Role.GUEST, limits: Limits = SMALL) -> Any:
    """The one line of JSON the code prints."""
    process = start(cell, code, *words, role=role, limits=limits)
    line = process.read_line(SOON)
    assert line is not None, process.stderr_tail()
    return json.loads(line)


def processes(mark: str) -> list[int]:
    """The host's processes with that word in their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def wait_until_gone(mark: str, seconds: float) -> None:
    """Nothing announces the end of a stranger's children: look until the deadline."""
    deadline = time.monotonic() + seconds
    while processes(mark):
        assert time.monotonic() < deadline, "still there"
        time.sleep(0.01)


def left_by(pid: int) -> list[str]:
    """Everything on this machine that carries that owner's mark: files, groups, mounts, containers, volumes."""
    owner = f".{pid}."
    found = [str(path) for path in Path(tempfile.gettempdir()).glob("grader-*") if owner in path.name]
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        found += [f"{folder}/{name}" for name in names if name.startswith("grader-") and owner in name]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    found += [line for line in mounts if "grader-" in line and owner in line]
    return found + [mark for mark in _in_engine() if owner in mark]


def _in_engine() -> list[str]:
    if find_spec("docker") is None:
        return []
    try:
        with contextlib.closing(engine.connect()) as api:
            ours = {"label": ["grader.cell"]}
            things = api.containers(all=True, filters=ours)
            things += api.volumes(filters=ours)["Volumes"] or []
    except SandboxError:
        return []
    return [thing["Labels"]["grader.cell"] for thing in things]
