"""Takes descriptors of process 1: through /proc and through pidfd_getfd.

Promise: I3
"""

import ctypes
def evil(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.syscall(434, 1, 0)
    for fd in range(32):
        if handle >= 0 and libc.syscall(438, handle, fd, 0) >= 0:
            caught(f"DESCRIPTOR {fd}")
        for mode in ("rb", "wb"):
            try:
                with open(f"/proc/1/fd/{fd}", mode, buffering=0):
                    caught(f"OPENED {fd}")
            except OSError:
                pass
    return 0
