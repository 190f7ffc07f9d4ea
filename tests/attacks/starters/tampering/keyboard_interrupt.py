"""Raises KeyboardInterrupt, which ends a pytest run.

Promise: I1
"""

def evil(*args):
    raise KeyboardInterrupt
