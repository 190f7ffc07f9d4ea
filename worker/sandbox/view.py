"""What a bubblewrapped process sees: the arguments for `bwrap`, mount by mount.

An interpreter, the libraries of its role, the system's shared objects; none of the host's homes, logs, sockets or
passwords, no project file. Where the interpreter lives inside a home, only its own folder shows.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from worker.limits import BACKGROUND_NICE, MIB, Limits
from worker.sandbox import Role, SandboxError, libraries
from worker.sandbox.inside import CHANNEL, GUEST_LIBRARIES, JUDGE_LIBRARIES, USERS, WORK

SITE = "/opt/site"
_SYSTEM = ("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32")
_ROOT_LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/libx32")
# what a container engine hides of /proc, as far as reading needs no capability
_HIDDEN = ("/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats", "/proc/kcore")
# as much again as a process may use, because address space is not memory
_ADDRESS_SPACE_FACTOR = 4
_ADDRESS_SPACE_SLACK_MIB = 2048
_ADDRESS_SPACE_SLACK_ALONE_MIB = 512


@dataclass(frozen=True)
class Interpreter:
    """The real interpreter, not the virtual environment's link to it."""

    executable: Path
    prefix: Path


@cache
def interpreter() -> Interpreter:
    """The interpreter grader itself runs on."""
    executable = getattr(sys, "_base_executable", sys.executable)
    return Interpreter(Path(executable).resolve(), Path(sys.base_prefix).resolve())


def python() -> list[str]:
    """What `python` means inside: no user's packages, no site hooks, no script folder on the path."""
    return [str(interpreter().executable), "-s", "-S", "-P"]


def tool(name: str) -> str:
    """Where a command of the system is, seen from inside. Raises SandboxError."""
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None or not str(Path(found).resolve()).startswith("/usr/bin/"):
        raise SandboxError(
            f"the command `{name}` is not in /usr/bin", "apt install bubblewrap util-linux   (or: dnf install …)"
        )
    return str(Path(found).resolve())


def arguments(role: Role, channel: Path, limits: Limits, drops: bool) -> list[str]:
    """bwrap's arguments up to the command; `drops` where the process changes its user by itself afterwards."""
    words = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox", "--cap-drop", "ALL"]
    if drops:
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            words += ["--cap-add", capability]
    else:
        user = str(USERS[role])
        words += ["--unshare-user", "--disable-userns", "--uid", user, "--gid", user]
    for mount in _mounts(role, channel, limits):
        words += mount
    return [*words, "--chdir", WORK, "--"]


def _mounts(role: Role, channel: Path, limits: Limits) -> Iterator[list[str]]:
    binds = [*_system(), *_interpreter(), *_libraries(role)]
    # bwrap makes missing parents 0700, which shuts out the unprivileged user when root makes them
    yield from (["--perms", "0755", "--dir", parent] for parent in _parents([target for _, target in binds]))
    yield from (["--ro-bind", source, target] for source, target in binds)
    yield from _links()
    yield from (["--tmpfs", folder, "--remount-ro", folder] for folder in _foreign_libraries())
    yield ["--proc", "/proc"]
    yield from (["--ro-bind", "/dev/null", path] for path in _HIDDEN if Path(path).exists())
    # read-only devices still answer; /dev/shm, a folder of the same file system, becomes unwritable
    yield ["--dev", "/dev", "--remount-ro", "/dev"]
    yield ["--perms", "0777", "--size", str(limits.scratch_mib * MIB), "--tmpfs", WORK]
    yield ["--bind" if role is Role.JUDGE else "--ro-bind", str(channel), CHANNEL]
    yield ["--remount-ro", "/"]


def _system() -> Iterator[tuple[str, str]]:
    for path in (*_SYSTEM, "/etc/ld.so.cache"):
        if Path(path).exists():
            yield path, path
    for path in _ROOT_LINKS:
        if Path(path).is_dir() and not Path(path).is_symlink():
            yield path, path


def _links() -> Iterator[list[str]]:
    for path in _ROOT_LINKS:
        if Path(path).is_symlink():
            yield ["--symlink", str(Path(path).readlink()), path]


def _interpreter() -> Iterator[tuple[str, str]]:
    prefix = interpreter().prefix
    if prefix != Path("/usr"):
        yield from (
            (str(prefix / part), str(prefix / part)) for part in ("bin", "lib", "lib64") if (prefix / part).is_dir()
        )


def _libraries(role: Role) -> Iterator[tuple[str, str]]:
    names = GUEST_LIBRARIES if role is Role.GUEST else JUDGE_LIBRARIES
    for entry in libraries.entries(names):
        yield str(entry), f"{SITE}/{entry.name}"


def _foreign_libraries() -> Iterator[str]:
    """What else is installed for that interpreter: nobody's business inside."""
    for prefix in {Path("/usr"), interpreter().prefix}:
        for pattern in ("lib*/python3*/site-packages", "lib*/python3*/dist-packages"):
            yield from (str(folder) for folder in sorted(prefix.glob(pattern)) if not folder.is_symlink())


def _parents(targets: list[str]) -> list[str]:
    """Every folder above the targets, outermost first."""
    parents = {str(parent) for target in targets for parent in Path(target).parents} - {"/"}
    return sorted(parents - set(targets))


def bounds(limits: Limits, grouped: bool) -> list[str]:
    """The `prlimit` command in front of the program; `grouped` where a cgroup counts memory and processes."""
    memory = limits.memory_mib
    if grouped:
        space = max(_ADDRESS_SPACE_FACTOR * memory, memory + _ADDRESS_SPACE_SLACK_MIB)
    else:
        space = memory + _ADDRESS_SPACE_SLACK_ALONE_MIB
    values = {
        "as": space * MIB,
        "nproc": limits.processes,
        "nofile": limits.open_files,
        "fsize": limits.scratch_mib * MIB,
        "core": 0,
        "cpu": limits.cpu_seconds,
    }
    return [tool("prlimit"), *(f"--{name}={value}:{value}" for name, value in values.items()), "--"]


def drop(user: int) -> list[str]:
    """The `setpriv` command that turns root with three capabilities into `user` with none."""
    words = [tool("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
    return [*words, "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]


def yielding(limits: Limits) -> list[str]:
    """The `nice` command around what runs in the background: all there is where no cgroup divides the processor."""
    return [tool("nice"), "-n", str(BACKGROUND_NICE)] if limits.background else []


def seal() -> list[str]:
    """What root puts around bwrap, so that it becomes process 1 of a table of its own, bound to our life.

    bwrap gives up every capability and then may not signal the unprivileged user it started: its own
    `--die-with-parent` does nothing here. A dead process 1 needs no permission: the kernel kills the whole table.
    """
    return [tool("unshare"), "--pid", "--fork", "--kill-child=KILL", "--"]


def is_root() -> bool:
    """Whether bwrap is started as root: then it needs no user namespace."""
    return os.geteuid() == 0
