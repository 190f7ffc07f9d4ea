"""Recurses with the recursion limit lifted.

Promise: C1
Tests: test_total
"""

import sys
def evil(*args):
    sys.setrecursionlimit(10**9)
    def down(n):
        return down(n + 1) + 1
    return down(0)
