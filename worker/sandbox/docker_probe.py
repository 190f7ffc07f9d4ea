"""What a healthy Docker sandbox does: a container speaks, and a guest reaches its judge's socket."""

from worker.limits import Limits
from worker.sandbox import Cell, Role, Running
from worker.sandbox.first_word import first_word

#: What works without, but less well.
NO_CORES = "no cpuset: a guest of many threads may run on every core at once"

_SECONDS = 10.0
_LIMITS = Limits(memory_mib=128)
_LISTEN = """
import os, socket
os.umask(0)
door = socket.socket(socket.AF_UNIX)
door.bind("/channel/probe")
door.listen(1)
print("ready", flush=True)
door.accept()
"""
_CONNECT = "import socket; socket.socket(socket.AF_UNIX).connect('/channel/probe'); print('ready')"
# what a runtime of its own kernel says -> the arguments that mend it
_RUNTIME_FIX = (
    'give {runtime} "runtimeArgs": ["--host-uds=open", "--network=none"] in /etc/docker/daemon.json '
    "and reload the engine"
)


def obstacle(cell: Cell, runtime: str | None) -> tuple[str, str] | None:
    """What does not work, and what mends it; None where all does. Raises SandboxError where nothing starts."""
    fix = _RUNTIME_FIX.format(runtime=runtime) if runtime else "docker info"
    judge = cell.start(Role.JUDGE, ["python", "-c", _LISTEN], b"", _LIMITS)
    said = _said(judge)
    if said != "ready":
        return said, "docker info"
    said = _said(cell.start(Role.GUEST, ["python", "-c", _CONNECT], b"", _LIMITS))
    if said != "ready":
        return f"the guest does not reach the judge's socket: {said}" if runtime else said, fix
    return None


def fix_for(error: str, runtime: str | None, fix: str) -> str:
    """What mends a container that could not be started: for a runtime that wants the host's network, its arguments."""
    return _RUNTIME_FIX.format(runtime=runtime) if runtime and "network" in error else fix


def _said(process: Running) -> str:
    return first_word(process, _SECONDS, started="the container", ended="the container")
