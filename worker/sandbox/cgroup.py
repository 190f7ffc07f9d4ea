"""A control group for one sandboxed process: memory, processes and CPU of all it starts, counted together.

Works on both versions by writing the file system, wherever this user may. Not tried: asking systemd for a scope.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker.limits import BACKGROUND_SHARE, MIB, Limits
from worker.sandbox import owner

UNAVAILABLE = "no cgroup: memory and processes are bounded per process / per user by rlimits"

_PERIOD_US = 100_000
# what stands around the sandboxed program lives in the group too
_OWN_PROCESSES = 3
_ROOT = Path("/sys/fs/cgroup")
#: What divides the processor holds all our groups in one: what runs in the background gives way to what else runs in
#: there, and not to every process of the machine, the service's own before all.
NEST = "grader"


@dataclass(frozen=True)
class Parents:
    """Where new groups go: version 1 has one tree per controller, version 2 the same folder for all."""

    memory: Path
    pids: Path
    cpu: Path | None
    unified: bool

    def folders(self) -> set[Path]:
        """Each folder once."""
        return {self.memory, self.pids} | ({self.cpu} if self.cpu else set())


@dataclass(frozen=True)
class Group:
    """One process's group: a folder in each tree."""

    memory: Path
    folders: tuple[Path, ...]
    unified: bool

    def entrances(self) -> list[str]:
        """The files into which a process writes 0 to enter."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def out_of_memory(self) -> bool:
        """Whether the kernel killed something in here for its memory."""
        counters = self.memory / ("memory.events" if self.unified else "memory.oom_control")
        with suppress(OSError):
            for line in counters.read_text(encoding="ascii").splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count) > 0
        return False

    def remove(self) -> None:
        """Remove it; whatever still runs in it is killed first."""
        for folder in self.folders:
            _remove(folder)


def find() -> Parents | None:
    """Where this process may make groups; None where it may not."""
    own = _own_groups()
    memory, pids, cpu = (_writable(_tree(name), own.get(name)) for name in ("memory", "pids", "cpu"))
    if memory and pids:
        return Parents(memory, pids, cpu and cpu / NEST, unified=False)
    unified = _unified(own.get(""))
    return Parents(unified / NEST, unified / NEST, unified / NEST, unified=True) if unified else None


def make(parents: Parents, limits: Limits) -> Group:
    """A group with these limits. Raises OSError."""
    mark = owner.new_mark()
    group = Group(
        memory=parents.memory / mark,
        folders=tuple(sorted(parent / mark for parent in parents.folders())),
        unified=parents.unified,
    )
    memory = limits.memory_mib * MIB
    quota = int(limits.cpus * _PERIOD_US)
    processes = limits.processes + _OWN_PROCESSES
    try:
        for folder in group.folders:
            folder.mkdir(parents=True)  # while there is one in it, nobody removes the nest
        if parents.unified and not _hands_down(parents.memory):
            raise OSError(f"{parents.memory} hands no limits down")
        if parents.unified:
            _set(group.memory, {"memory.max": memory, "pids.max": processes, "cpu.max": f"{quota} {_PERIOD_US}"})
            _set(group.memory, {"memory.swap.max": 0}, optional=True)
            if limits.background:
                _set(group.memory, {"cpu.weight": round(100 * BACKGROUND_SHARE)})
        else:
            _set(group.memory, {"memory.limit_in_bytes": memory})
            _set(group.memory, {"memory.memsw.limit_in_bytes": memory}, optional=True)
            _set(parents.pids / mark, {"pids.max": processes})
            if parents.cpu:
                _set(parents.cpu / mark, {"cpu.cfs_period_us": _PERIOD_US, "cpu.cfs_quota_us": quota})
                if limits.background:
                    _set(parents.cpu / mark, {"cpu.shares": round(1024 * BACKGROUND_SHARE)})
    except OSError:
        group.remove()
        raise
    return group


def sweep(parents: Parents) -> list[str]:
    """Remove the groups whose makers are gone, with anything still running in them; which they were."""
    groups = [folder for parent in parents.folders() for folder in parent.glob("grader-*")]
    stale = [folder for folder in groups if owner.is_stale(folder.name)]
    for folder in stale:
        _remove(folder)
    return [str(folder) for folder in stale]


def leave(parents: Parents) -> None:
    """Remove what holds our groups, unless somebody has one in it: whoever makes the next one makes it again."""
    if parents.cpu:
        with suppress(OSError):
            parents.cpu.rmdir()


def _set(folder: Path, values: dict[str, int | str], optional: bool = False) -> None:
    for name, value in values.items():
        path = folder / name
        if not optional or path.exists():
            path.write_text(str(value), encoding="ascii")


def _remove(folder: Path) -> None:
    for pid in _members(folder):
        with suppress(OSError):
            handle = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                select.select([handle], [], [], 5)
            finally:
                os.close(handle)
    with suppress(OSError):  # a sweep of a later cell tries again
        folder.rmdir()


def _members(folder: Path) -> Iterator[int]:
    with suppress(OSError):
        yield from map(int, (folder / "cgroup.procs").read_text(encoding="ascii").split())


def _own_groups() -> dict[str, str]:
    """Controller -> this process's group in its tree; "" for version 2."""
    groups: dict[str, str] = {}
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            groups.update(dict.fromkeys(controllers.split(","), path))
    return groups


def _tree(controller: str) -> Path:
    return _ROOT / controller


def _writable(tree: Path, own: str | None) -> Path | None:
    """This process's own folder in `tree`, where it may make folders. A container sees its own group as the root."""
    if own is None:
        return None
    for folder in (tree / own.lstrip("/"), tree):
        if folder.is_dir():
            return folder if os.access(folder, os.W_OK) else None
    return None


def _unified(own: str | None) -> Path | None:
    """A version 2 folder whose children can have memory, pids and cpu limits.

    A group that holds processes may not hand controllers down, so the neighbourhood of our own group comes second.
    """
    folder = _writable(_ROOT, own)
    for candidate in (folder, folder.parent) if folder else ():
        if candidate != _ROOT.parent and os.access(candidate, os.W_OK) and _hands_down(candidate):
            return candidate
    return None


def _hands_down(folder: Path) -> bool:
    wanted = {"memory", "pids", "cpu"}
    control = folder / "cgroup.subtree_control"
    with suppress(OSError):
        if not wanted <= set(control.read_text(encoding="ascii").split()):
            control.write_text(" ".join(f"+{name}" for name in sorted(wanted)), encoding="ascii")
        return wanted <= set(control.read_text(encoding="ascii").split())
    return False
