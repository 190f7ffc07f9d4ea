"""Maps memory without end, in one piece and in many, and touches it.

Promise: C1
Tests: test_total test_scaled
"""

import mmap
def evil(*args):
    held = []
    for size in (1 << 46, 1 << 40, 1 << 36):
        try:
            held.append(mmap.mmap(-1, size))
        except (OSError, ValueError, OverflowError):
            pass
    while True:
        piece = mmap.mmap(-1, 16 << 20)
        for place in range(0, 16 << 20, 4096):
            piece[place] = 1
        held.append(piece)
