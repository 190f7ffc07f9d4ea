"""Sandboxed processes by bubblewrap: nothing to install but one small program, and no daemon.

Started by root, each process gets an unprivileged user of its own; started by anybody else, a user namespace. What
bubblewrap cannot do: mount the scratch space no-exec, and bound its number of files where there is no cgroup.
"""

import random
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from worker.limits import Limits
from worker.sandbox import Probe, Role, SandboxError, cgroup, owner, seccomp, view
from worker.sandbox.bubblewrap_process import BubblewrapProcess, Launch
from worker.sandbox.first_word import first_word
from worker.sandbox.inside import CHANNEL_MODE, command
from worker.sandbox.members import Members

# the part of the system's user numbers that neither Debian nor systemd hands out
_USERS = range(60578, 61184)
_PROBE_SECONDS = 5.0
_INSTALL = "apt install bubblewrap   (or: dnf install bubblewrap)"
_APPARMOR = """allow it for bubblewrap alone, as root:
cat >/etc/apparmor.d/bwrap <<'EOF' && systemctl reload apparmor
abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
EOF"""
# setting -> (value that forbids, what it means, what mends it)
_OBSTACLES = {
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "AppArmor forbids user namespaces", _APPARMOR),
    "kernel/unprivileged_userns_clone": (
        "0",
        "this kernel forbids user namespaces",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    "user/max_user_namespaces": ("0", "user namespaces are turned off", "sysctl -w user.max_user_namespaces=15000"),
}


class Bubblewrap:
    """Satisfies `Sandbox`."""

    @property
    def name(self) -> str:
        """What reports call it."""
        return "bubblewrap"

    def probe(self) -> Probe:
        """Run a word through it."""
        if sys.platform != "linux":
            return self._broken("bubblewrap needs Linux", "use the Docker sandbox: pip install 'grader[docker]'")
        if shutil.which("bwrap") is None:
            return self._broken("bubblewrap is not installed", _INSTALL)
        try:
            with self.cell() as cell:
                said = _try(cell)
        except SandboxError as error:
            return self._explain(str(error), error.fix)
        except OSError as error:
            return self._explain(f"this system refuses what the sandbox needs: {error}", "Linux 5.3 or newer")
        if said != "ready":
            return self._explain(said, "grader doctor")
        lacking = [] if cgroup.find() else [cgroup.UNAVAILABLE]
        lacking += [] if seccomp.program(Role.GUEST) else ["no system-call filter: none is written for this processor"]
        return Probe(self.name, True, "; ".join(lacking))

    @contextmanager
    def cell(self) -> Iterator["BubblewrapCell"]:
        """See `Sandbox`. Also clears what killed workers left."""
        parents = cgroup.find()
        owner.sweep_folders()
        if parents:
            cgroup.sweep(parents)
        try:
            cell = BubblewrapCell(parents)
        except OSError as error:
            raise SandboxError(f"the cell's folder could not be made: {error}", "space in TMPDIR") from error
        try:
            yield cell
        finally:
            cell.close()

    def _broken(self, reason: str, fix: str) -> Probe:
        return Probe(self.name, False, reason, fix)

    def _explain(self, said: str, fix: str) -> Probe:
        if not view.is_root():
            for setting, (forbids, meaning, mends) in _OBSTACLES.items():
                path = Path("/proc/sys") / setting
                if path.exists() and path.read_text(encoding="ascii").strip() == forbids:
                    return self._broken(f"{meaning} ({setting.replace('/', '.')}={forbids}): {said}", mends)
        if "Unknown option" in said:
            return self._broken(f"this bubblewrap is older than 0.8: {said}", _INSTALL)
        return self._broken(said, fix)


class BubblewrapCell:
    """Satisfies `Cell`."""

    def __init__(self, parents: cgroup.Parents | None) -> None:
        self._parents = parents
        self._processes = Members[BubblewrapProcess]()
        self._folder = owner.new_folder()
        # the folder above keeps everybody outside away
        self._channel = self._folder / "channel"
        self._channel.mkdir()
        self._channel.chmod(CHANNEL_MODE)

    def start(
        self, role: Role, argv: Sequence[str], stdin: bytes, limits: Limits, *, more: bool = False
    ) -> BubblewrapProcess:
        """See `Cell`."""
        self._processes.check()
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise SandboxError("bubblewrap is not installed", _INSTALL)
        root = view.is_root()
        words = view.arguments(role, self._channel, limits, drops=root)
        with ExitStack() as held:
            if root:
                user, claim = _claim_user()
                held.callback(claim.close)
                words += view.drop(user)
            words += view.bounds(limits, grouped=self._parents is not None)
            words += command(role, argv, view.python(), PYTHONPATH=view.SITE)
            group = self._group(limits)
            if group:
                held.callback(group.remove)
            around = [*view.yielding(limits), *(view.seal() if root else ()), bwrap]
            launch = Launch(tuple(around), tuple(words), group, sealed=root, role=role)
            process = BubblewrapProcess(launch, stdin, limits, held.pop_all().close, more=more)
        return self._processes.add(process)

    def _group(self, limits: Limits) -> cgroup.Group | None:
        if self._parents is None:
            return None
        try:
            return cgroup.make(self._parents, limits)
        except OSError as error:
            raise SandboxError(f"the cgroup could not be made: {error}", "grader doctor") from error

    def close(self) -> None:
        """Kill everything in it and remove its folder."""
        for process in self._processes.end():
            process.close()
        if self._parents:
            cgroup.leave(self._parents)
        owner.remove_folder(self._folder)


def _try(cell: BubblewrapCell) -> str:
    program = ["python", "-c", "print('ready')"]
    process = cell.start(Role.GUEST, program, b"", Limits(memory_mib=128))
    return first_word(process, _PROBE_SECONDS, started="bubblewrap", ended="the sandboxed interpreter")


def _claim_user() -> tuple[int, socket.socket]:
    """A user number no other sandboxed process on this machine has, held until the socket is closed.

    An abstract socket's name as the lock: the kernel frees it when we die, however we die.
    """
    offset = random.randrange(len(_USERS))
    for turn in range(len(_USERS)):
        user = _USERS[(offset + turn) % len(_USERS)]
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0grader-user-{user}")
        except OSError:
            claim.close()
        else:
            return user, claim
    raise SandboxError(f"{len(_USERS)} sandboxed processes are running on this machine already", "fewer at once")
