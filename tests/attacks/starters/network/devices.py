"""Opens every device it sees and makes new ones.

Promise: C2
Tests: test_total
"""

HARMLESS = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
if os.uname().release.startswith("4.4."):  # gVisor's own: nothing to mount, no network behind
    HARMLESS |= {"fuse", "tun"}


def evil(*args):
    for folder, _, files in os.walk("/dev"):
        for name in files:
            place = f"{folder}/{name}"
            if name in HARMLESS or folder.startswith("/dev/pts") or os.path.islink(place):
                continue
            try:
                os.close(os.open(place, os.O_RDWR | os.O_NONBLOCK))
            except OSError:
                continue
            caught(f"DEVICE {place}")
    for major, minor in ((8, 0), (1, 1), (10, 229)):
        try:
            os.mknod(f"/work/node{major}", 0o666 | stat.S_IFBLK, os.makedev(major, minor))
            os.close(os.open(f"/work/node{major}", os.O_RDONLY))
        except OSError:
            continue
        caught(f"NODE {major}")
    return 0
