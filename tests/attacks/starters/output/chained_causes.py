"""Raises an exception with a chain of a hundred thousand causes, and with itself as one.

Promise: C5
"""

def evil(*args):
    error = ValueError("first")
    for number in range(100_000):
        later = ValueError(f"{number}")
        later.__cause__ = error
        error = later
    loop = ExceptionGroup("\x1b[2J", [ValueError("a")] * 1000)
    loop.__context__ = error
    loop.add_note("\x1b[31m" * 10_000)
    raise loop
