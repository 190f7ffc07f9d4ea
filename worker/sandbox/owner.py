"""Whose leftovers are whose: the mark on what may outlive a killed worker, and whether its maker lives."""

import os
import re
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker.sandbox import watch

_MARK = re.compile(r"grader-(?P<user>\d+)-(?P<boot>\w+)\.(?P<space>\d+)\.(?P<pid>\d+)\.(?P<started>\d+)-\w+")


@dataclass(frozen=True)
class Owner:
    """One process of one boot; a process id alone would be given to somebody else later."""

    boot: str
    space: int
    pid: int
    started: int

    def is_gone(self) -> bool:
        """True only where it is certain: a process of another process table is not ours to judge."""
        here = current()
        if self.boot != here.boot:
            return True
        return self.space == here.space and self.started != _started(self.pid)


def current() -> Owner:
    """This process. Not cached: a fork is another owner."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    return Owner(
        boot=boot.read_text(encoding="ascii")[:8] if boot.exists() else "none",
        space=space.stat().st_ino if space.exists() else 0,
        pid=os.getpid(),
        started=_started(os.getpid()),
    )


def new_mark() -> str:
    """A name for something this process makes, telling who made it. From now on somebody clears up after us."""
    watch.begin()
    owner = current()
    return f"grader-{os.getuid()}-{owner.boot}.{owner.space}.{owner.pid}.{owner.started}-{secrets.token_hex(4)}"


def maker(mark: str) -> Owner | None:
    """Who made what carries this name; None where the name is not one of ours."""
    found = _MARK.fullmatch(mark)
    if found is None:
        return None
    return Owner(found["boot"], int(found["space"]), int(found["pid"]), int(found["started"]))


def is_stale(mark: str) -> bool:
    """Whether this is a name of ours whose maker is certainly gone."""
    owner = maker(mark)
    return owner is not None and owner.is_gone()


def new_folder() -> Path:
    """A private folder in the temporary directory, owned by this process."""
    folder = Path(tempfile.gettempdir()) / new_mark()
    folder.mkdir(mode=0o700)
    return folder


def sweep_folders() -> list[str]:
    """Remove this user's folders whose makers are gone; which they were."""
    stale = [one for one in Path(tempfile.gettempdir()).glob(f"grader-{os.getuid()}-*") if is_stale(one.name)]
    for folder in stale:
        remove_folder(folder)
    return [str(folder) for folder in stale]


def remove_folder(folder: Path) -> None:
    """Remove one of `new_folder`, also where it holds folders that nobody may list."""
    with suppress(OSError):
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _started(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 where there is none (without /proc: where there is).

    One that only waits to be asked how it ended is none.
    """
    if not Path("/proc/self").exists():
        return 0 if _answers(pid) else -1
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # the command's name, second field, may hold spaces and brackets: count from behind its last bracket
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in ("Z", "X") else int(fields[19])


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
