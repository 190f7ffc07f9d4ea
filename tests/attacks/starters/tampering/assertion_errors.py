"""Raises AssertionError and other exceptions that a spec might expect of itself.

Promise: I4
"""

calls = []
def evil(*args):
    calls.append(1)
    raise (AssertionError, TimeoutError, OSError, EOFError, PermissionError, GeneratorExit, NotImplementedError)[len(calls) % 7]("1 == 1")
