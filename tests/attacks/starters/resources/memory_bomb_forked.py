"""Asks for memory in many processes at once.

Promise: C1
Tests: test_total
"""

import os
def evil(*args):
    for _ in range(30):
        if os.fork() == 0:
            hoard = []
            while True:
                try:
                    hoard.append(b"x" * (8 << 20))
                except MemoryError:
                    pass
