"""Reads whatever its own descriptors still hold.

Promise: I3
"""

import fcntl
def evil(*args):
    for fd in range(256):
        try:
            mode = os.fstat(fd).st_mode
            target = os.readlink(f"/proc/self/fd/{fd}") if os.path.exists(f"/proc/self/fd/{fd}") else ""
        except OSError:
            continue
        if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and not target.startswith(("/proc", "/dev", "/usr/lib/python")):
            caught(f"OPEN {target}")
        if stat.S_ISFIFO(mode) and fd not in (1, 2):
            try:
                fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
                if len(os.read(fd, 4096)) > 64:
                    caught(f"PIPE {fd}")
            except OSError:
                pass
    return 0
