"""Compiles an expression nested so deeply that the compiler gives in.

Promise: C1
Tests: test_total test_scaled
"""

def evil(*args):
    for depth in (100, 5_000, 200_000, 3_000_000):
        try:
            eval("(" * depth + ")" * depth)
            eval("-" * depth + "1")
        except (SyntaxError, MemoryError, RecursionError):
            pass
    return 0
