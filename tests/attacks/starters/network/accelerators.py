"""Looks for an accelerator by every name that its driver may give it, and makes the node where there is none.

Promise: C2
Lab: target-2
Tests: all
"""

ROOT = "/"
NAMES = ("nvidia", "dri", "kfd", "vfio", "accel", "davinci", "dxg", "mali", "hl", "nvram", "mem")
MAJORS = (195, 226, 234, 235, 236, 261)
def evil(*args):
    for name in os.listdir(f"{ROOT}dev"):
        if name.startswith(NAMES):
            caught(f"ACCELERATOR {name}")
    for folder in (f"{ROOT}work", f"{ROOT}dev"):
        for major in MAJORS:
            try:
                os.mknod(f"{folder}/node{major}", 0o666 | stat.S_IFCHR, os.makedev(major, 0))
                os.close(os.open(f"{folder}/node{major}", os.O_RDWR))
            except OSError:
                continue
            caught(f"NODE {major}")
    return 0
