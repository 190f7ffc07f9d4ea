"""Raises a message of fifty megabytes, in one line and in a million.

Promise: C5
"""

def evil(*args):
    raise ValueError("A" * 50_000_000 if len(args) == 1 else "B\n" * 1_000_000)
