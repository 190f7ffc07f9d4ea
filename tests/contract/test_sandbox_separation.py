"""What keeps judge and guest of one cell apart: users, process tables, mounts, and a channel that names nobody."""

import contextlib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.sandboxed import SOON, processes, said, start
from worker.sandbox import Role, Sandbox

#: Waits with an open socket in the channel until it is told a name's answer.
_HOST = """
    import os, socket, sys
    os.umask(0)
    doors = [socket.socket(socket.AF_UNIX) for _ in sys.argv[1:]]
    for door, name in zip(doors, sys.argv[1:]):
        door.bind(f"/channel/{name}")
        door.listen(1)
    print("open", flush=True)
    for door in doors:
        door.accept()[0].recv(1)
"""
_LOOK = """
    import json, os, socket, sys
    def tried(action):
        try:
            return action() or True
        except OSError:
            return False
    def called(name):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect("/channel/" + name)
    print(json.dumps({
        "list": tried(lambda: os.listdir("/channel")),
        "scan": tried(lambda: [entry.name for entry in os.scandir("/channel")]),
        "open it up": tried(lambda: os.chmod("/channel", 0o777)),
        "write": tried(lambda: open("/channel/mine", "w").close()),
        "remove": tried(lambda: os.unlink("/channel/" + sys.argv[1])),
        "replace": tried(lambda: os.rename("/channel/" + sys.argv[1], "/channel/other")),
        "guessed": tried(lambda: called("other")),
        "told": tried(lambda: called(sys.argv[1])),
    }))
"""
_PROCESSES = """
    import json, os
    seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    with open("/proc/self/mountinfo") as table:
        mounts = [line.split() for line in table]
    print(json.dumps([seen, [(m[2], m[3], m[4], m[5].split(",")[0]) for m in mounts]]), flush=True)
    import time
    time.sleep(60)
"""


class Mounted(NamedTuple):
    """A line of a mount table: which folder of which file system is shown where, "rw" or "ro"."""

    device: str
    folder: str
    place: str
    way: str

    def overlaps(self, other: "Mounted") -> bool:
        """Whether something written in one can be seen in the other."""
        mine, its = Path(self.folder), Path(other.folder)
        return self.device == other.device and (mine.is_relative_to(its) or its.is_relative_to(mine))


def test_a_name_in_the_channel_is_known_to_those_who_were_told(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        judge = start(cell, _HOST, "3f9a", "77c1", role=Role.JUDGE)
        assert judge.read_line(SOON) == b"open", judge.stderr_tail()
        found = said(cell, _LOOK, "3f9a")
    assert {what for what, worked in found.items() if worked} == {"told"}


def test_judge_and_guest_do_not_see_each_other(sandbox: Sandbox) -> None:
    """Neither finds the other in /proc, and no mount that one may write shows in the other, the channel apart."""
    with sandbox.cell() as cell:
        theirs = said(cell, _PROCESSES, role=Role.JUDGE)
        ours = said(cell, _PROCESSES)
    for seen, _ in (theirs, ours):
        assert seen == [1]
    mounts = [[Mounted(*line) for line in lines if not _is_device(line[2])] for _, lines in (theirs, ours)]
    for one, other in (mounts, mounts[::-1]):
        written = [mount for mount in one if mount.way == "rw"]
        assert {mount.place for mount in other if any(mount.overlaps(w) for w in written)} <= {"/channel"}
    assert [mount.way for mount in mounts[1] if mount.place == "/channel"] == ["ro"]


def test_judge_and_guest_are_different_users_of_the_host(sandbox: Sandbox) -> None:
    """By number, or where nobody here may give numbers out, by user namespace."""
    if "runsc" in sandbox.name:
        pytest.skip("docker+runsc: gVisor's processes are its own, the host sees one program")
    mark = f"mark-of-{Path(__file__).stem}"
    with sandbox.cell() as cell:
        found = []
        for role in (Role.JUDGE, Role.GUEST):
            process = start(cell, "import time; print('up', flush=True); time.sleep(60)", mark, role=role)
            assert process.read_line(SOON) == b"up", process.stderr_tail()
            (person,) = {who for who in map(_person, processes(mark)) if who is not None} - set(found)
            found.append(person)
    assert len(set(found)) == 2
    assert 0 not in {user for user, _ in found}


def _person(pid: int) -> tuple[int, str] | None:
    """The user and the user namespace of a sandboxed process; None for whatever stands around it."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if fields["NSpid"].split()[-1] == "1" and len(fields["NSpid"].split()) > 1 and fields["Name"].startswith("py"):
            return int(fields["Uid"].split()[0]), str(Path(f"/proc/{pid}/ns/user").readlink())
    return None


def _is_device(place: str) -> bool:
    """Nodes like /dev/null, and what the kernel answers under /proc."""
    return place.startswith(("/dev/", "/proc", "/sys"))
