"""Sets every clock it can name.

Promise: I7
"""

import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
def evil(*args):
    before = time.time()
    for clock in range(0, 12):
        try:
            time.clock_settime(clock, 1.0e9)
        except OSError:
            continue
        caught(f"CLOCK {clock}")
    libc.settimeofday(ctypes.create_string_buffer(struct.pack("qq", 10**9, 0)), None)
    libc.adjtimex(ctypes.create_string_buffer(struct.pack("I", 0x4000) + b"\x10" * 300))
    if abs(time.time() - before) > 3600:
        caught("TIME")
    return 0
