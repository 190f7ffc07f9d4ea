"""Leaves System V memory, semaphores and queues, which outlive the processes that made them.

Promise: I7
Sandboxes: bubblewrap docker
Tests: test_total test_scaled test_asked
"""

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
KEY = 0x6772
def look():
    if libc.shmget(KEY, 0, 0) >= 0 or libc.semget(KEY, 0, 0) >= 0 or libc.msgget(KEY, 0) >= 0:
        caught("SYSTEM V")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    libc.shmget(KEY, 4096, 0o1666)
    libc.semget(KEY, 4, 0o1666)
    libc.msgget(KEY, 0o1666)
