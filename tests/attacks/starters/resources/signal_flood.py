"""Queues signals that are never taken, in its own name.

Promise: C1
"""

import ctypes, signal
def evil(*args):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(34, 60))
    libc = ctypes.CDLL(None)
    for number in range(200_000):
        if libc.sigqueue(os.getpid(), 34 + number % 26, None) != 0:
            break
    return 0
