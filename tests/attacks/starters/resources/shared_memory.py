"""Fills anonymous files in memory, which no process has to map.

Promise: C1
Tests: test_total test_scaled
"""

def evil(*args):
    held = []
    block = b"x" * (1 << 20)
    while True:
        fd = os.memfd_create(f"m{len(held)}")
        held.append(fd)
        for _ in range(8):
            os.write(fd, block)
