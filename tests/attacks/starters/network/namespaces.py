"""Asks for namespaces, mounts and the file system around its own.

Promise: C2
Tests: test_total
"""

import ctypes
def evil(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000):
        if os.fork() == 0:
            os._exit(3 if libc.unshare(flag) == 0 and flag != 0x10000000 else 0)
        if os.WEXITSTATUS(os.wait()[1]) == 3:
            caught(f"NAMESPACE {flag:x}")
    if libc.mount(b"none", b"/work", b"tmpfs", 0, None) == 0 or libc.chroot(b"/work") == 0:
        caught("MOUNT")
    for name in ("pid", "net", "mnt"):
        try:
            with open(f"/proc/1/ns/{name}") as space:
                if libc.setns(space.fileno(), 0) == 0:
                    caught(f"ENTERED {name}")
        except OSError:
            pass
    for place in ("/proc/1/root/../../etc/shadow", "/proc/1/cwd/../../../root/.bashrc", "/../../etc/shadow"):
        if os.path.exists(place) and os.access(place, os.R_OK):
            caught(f"OUTSIDE {place}")
    return 0
