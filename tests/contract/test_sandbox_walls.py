"""What no sandboxed process can reach: the network, the host's files, rights, calls that change the machine."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.sandboxed import said
from worker.sandbox import Role, Sandbox

ROOT = Path(__file__).parents[2]


def test_there_is_no_network(sandbox: Sandbox) -> None:
    code = r"""
        import json, socket, sys
        def tried(family, address):
            try:
                with socket.socket(family) as one:
                    one.settimeout(2)
                    one.connect(address)
            except OSError:
                return "refused"
            return "connected"
        port, name = int(sys.argv[1]), sys.argv[2]
        results = [tried(socket.AF_INET, ("1.1.1.1", 443)), tried(socket.AF_INET, ("127.0.0.1", port)),
                   tried(socket.AF_INET, ("169.254.169.254", 80)), tried(socket.AF_UNIX, "\0" + name)]
        try:
            socket.getaddrinfo("example.com", 80)
            results.append("resolved")
        except OSError:
            results.append("refused")
        with open("/proc/net/dev") as devices:
            names = {line.split(":")[0].strip() for line in devices.readlines()[2:]}
        print(json.dumps([results, sorted(names - {"lo"})]))
    """
    with contextlib.ExitStack() as stack:
        name = f"grader-test-{os.getpid()}"
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind("\0" + name)
        abstract.listen(1)
        cell = stack.enter_context(sandbox.cell())
        results, devices = said(cell, code, str(listener.getsockname()[1]), name)
    assert results == ["refused"] * 5
    assert set(devices) <= {"tunl0", "sit0", "ip6tnl0", "gre0"}  # the kernel's own, down, with no way out


def test_nobody_inside_has_rights(sandbox: Sandbox) -> None:
    code = """
        import json, os
        fields = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
        names = ("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Groups")
        facts = {name: fields.get(name, "").strip() for name in names}
        print(json.dumps([os.getresuid(), os.getresgid(), facts, os.readlink("/proc/self/ns/user")]))
    """
    with sandbox.cell() as cell:
        judge, guest = (said(cell, code, role=role) for role in (Role.JUDGE, Role.GUEST))
    for users, groups, facts, _ in (judge, guest):
        assert 0 not in users
        assert 0 not in groups
        assert {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb") if facts[name]} == {0}
        assert facts["NoNewPrivs"] in ("1", "")  # gVisor does not tell
        assert "0" not in facts["Groups"].split()
    assert (judge[0], judge[3]) != (guest[0], guest[3])


@pytest.mark.parametrize("role", [Role.GUEST, Role.JOINED])
def test_the_file_system_is_read_only_and_the_host_is_not_in_it(sandbox: Sandbox, role: Role) -> None:
    code = """
        import json, os, sys
        def writable(folder):
            try:
                with open(folder + "/mark", "w") as file:
                    file.write("1")
            except OSError:
                return False
            return True
        def readable(path):
            try:
                return bool(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))
            except OSError:
                return False
        folders = ["/", "/usr", "/usr/lib", "/etc", "/opt", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/channel"]
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        print(json.dumps([[f for f in (*folders, sys.prefix) if writable(f)], writable("/work"),
                          [path for path in sys.argv[1:] if readable(path)], pids]))
    """
    private = ["/etc/shadow", "/root/.ssh", "/root/.bashrc", "/home", str(ROOT / "worker"), "/var/run/docker.sock"]
    with sandbox.cell() as cell:
        open_folders, work, read, pids = said(cell, code, *private, role=role)
    assert (open_folders, work, read, pids) == ([], True, [], [1])


def test_calls_that_change_the_machine_are_refused(sandbox: Sandbox) -> None:
    code = """
        import ctypes, errno, json, os, platform
        libc = ctypes.CDLL(None, use_errno=True)
        def tried(*arguments):
            return "allowed" if libc.syscall(*arguments) >= 0 else "refused"
        names = ("unshare", "keyctl", "bpf", "mount", "perf", "ring", "userfault")
        x86 = platform.machine() == "x86_64"
        numbers = dict(zip(names, (272, 250, 321, 165, 298, 425, 323) if x86 else (97, 219, 280, 40, 241, 425, 282)))
        attribute = ctypes.create_string_buffer(120)
        results = {
            "unshare": tried(numbers["unshare"], 0x10000000),
            "keyctl": tried(numbers["keyctl"], 0, -3, 1),
            "bpf": tried(numbers["bpf"], 0, attribute, 120),
            "mount": tried(numbers["mount"], b"none", b"/work", b"tmpfs", 0, 0),
            "perf": tried(numbers["perf"], attribute, 0, -1, -1, 0),
            "userfault": tried(numbers["userfault"], 1),
            "ring": tried(numbers["ring"], 4, attribute),
        }
        try:
            __import__("socket").socket(40, 1)
            results["vsock"] = "allowed"
        except OSError:
            results["vsock"] = "refused"
        print(json.dumps(sorted(name for name, result in results.items() if result == "allowed")))
    """
    with sandbox.cell() as cell:
        allowed = said(cell, code)
    if sandbox.name == "docker+runsc":
        return  # gVisor answers them all itself: what it allows changes nothing outside
    assert allowed == []


@pytest.mark.bubblewrap
@pytest.mark.slow
def test_all_of_this_holds_for_an_unprivileged_worker() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    python = shutil.which(f"python{sys.version_info[0]}.{sys.version_info[1]}", path="/usr/bin")
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    if python is None or subprocess.run([*become, "test", "-r", __file__], check=False).returncode != 0:
        pytest.skip("an unprivileged user finds no such interpreter here, or may not read the repository")
    libraries = Path(pytest.__file__).parents[1]
    run = [python, "-m", "pytest", str(Path(__file__).parent), "-q", "-m", "bubblewrap", "-p", "no:cacheprovider"]
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(libraries), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*become, *run], env=variables, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
