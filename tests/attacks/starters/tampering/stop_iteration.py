"""Raises StopIteration, which ends loops of the spec, or turns into an error of it.

Promise: I4
"""

def evil(*args):
    raise StopIteration
