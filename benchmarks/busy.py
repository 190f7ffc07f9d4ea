"""How much processor time and memory everything on this machine takes, daemons included."""

import os
import time
from contextlib import suppress
from pathlib import Path

_USAGE = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage")
_STAT = Path("/sys/fs/cgroup/cpu.stat")
#: A machine counts as quiet when less than this share of one core is busy.
QUIET = 0.25
_WINDOW_S = 0.05
_SETTLE_S, _REST_S = 2.0, 0.3
KIB = 1024


def cpu_s() -> float:
    """CPU seconds that the whole machine has used: of all processes, also of those that have ended."""
    with suppress(OSError):
        return int(_USAGE.read_text(encoding="ascii")) / 1e9
    with suppress(OSError):
        return int(_STAT.read_text(encoding="ascii").split()[1]) / 1e6
    user, nice, system, _idle, _wait, irq, soft = map(int, Path("/proc/stat").read_text("ascii").split()[1:8])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


class Meter:
    """CPU seconds since it was made, without what the machine used anyway."""

    def __init__(self, background: float = 0.0) -> None:
        """`background` is in CPU seconds per second."""
        self._background = background
        self._began, self._used = time.perf_counter(), cpu_s()

    def read(self) -> float:
        """CPU seconds."""
        passed = time.perf_counter() - self._began
        return max(0.0, cpu_s() - self._used - self._background * passed)


def background(seconds: float = 1.5) -> float:
    """What the machine uses while nothing of ours happens, in CPU seconds per second."""
    meter = Meter()
    time.sleep(seconds)
    return meter.read() / seconds


def settle(background: float) -> None:
    """Wait until the machine is about as quiet as `background`: what the last measurement left behind has ended.

    Where others keep it busy nobody can tell: then it only rests for a moment.
    """
    ends = time.perf_counter() + (_SETTLE_S if background < QUIET else _REST_S)
    while time.perf_counter() < ends:
        used = cpu_s()
        began = time.perf_counter()
        time.sleep(_WINDOW_S)
        if (cpu_s() - used) / (time.perf_counter() - began) < background + QUIET:
            return


def processes() -> dict[int, int]:
    """All processes with their parents."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                found[int(entry.name)] = int(
                    (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1]
                )
    return found


def below(root: int, parents: dict[int, int]) -> set[int]:
    """All that `root` started, and what those started."""
    found: set[int] = set()
    new = {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def names_of(pids: set[int]) -> dict[int, str]:
    """What their programs are called, as the kernel shortens it."""
    found = {}
    for pid in pids:
        with suppress(OSError):
            found[pid] = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    return found


def contained() -> set[int]:
    """The processes in containers of a sandbox of ours or anybody's, and what Docker runs beside each."""
    found = set()
    for pid in processes():
        with suppress(OSError):
            inside = "/docker/" in Path(f"/proc/{pid}/cgroup").read_text("utf-8", "replace")
            if inside or names_of({pid}).get(pid, "").startswith(("containerd-shim", "runsc", "exe")):
                found.add(pid)
    return found


def pss_mib(pids: set[int]) -> float:
    """Memory of these processes, what they share counted once in parts: MiB."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / KIB
