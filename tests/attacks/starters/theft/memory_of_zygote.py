"""Reads the memory of process 1, which serves every test of the run.

Promise: I3
"""

def evil(*args):
    try:
        with open("/proc/1/maps") as maps:
            start = next(int(line.split("-")[0], 16) for line in maps if " rw" in line)
        with open("/proc/1/mem", "rb", buffering=0) as memory:
            memory.seek(start)
            memory.read(16)
    except (OSError, StopIteration):
        return 0
    caught("ZYGOTE")
