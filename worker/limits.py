"""What a sandboxed process may use. Every bound here has its own sentence when a submission meets it."""

from dataclasses import dataclass

MIB = 1024 * 1024
#: The weight of a process in the background, to 1 of any other: of a core that both need it gets a twentieth.
BACKGROUND_NICE = 13
BACKGROUND_SHARE = 0.05


@dataclass(frozen=True)
class Limits:
    """Bounds on one sandboxed process and everything it starts.

    Memory and file sizes are MiB, times are seconds. `output_bytes` bounds what is read from the process's
    standard output in all; `line_bytes` bounds one line of it. Whoever exceeds either is killed. `core` is the one core
    it may use, where there is such a one; None is any. What runs in the `background` has a twentieth
    of its core where others need it.
    """

    memory_mib: int = 512
    scratch_mib: int = 64
    processes: int = 64
    open_files: int = 256
    cpus: float = 1.0
    core: int | None = None
    background: bool = False
    cpu_seconds: int = 300
    output_bytes: int = 32 * MIB
    line_bytes: int = 16 * MIB
