"""Prints two hundred megabytes, in lines and without.

Promise: C5
"""

import sys
def evil(*args):
    for _ in range(2000):
        sys.stdout.write("x" * 100_000)
        sys.stderr.write("y" * 1000 + "\n")
    return 0
