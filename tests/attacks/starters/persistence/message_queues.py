"""Leaves POSIX message queues and shared memory.

Promise: I7
Tests: test_total test_scaled test_asked
"""

import ctypes
libc = ctypes.CDLL("librt.so.1", use_errno=True)
def look():
    if libc.mq_open(b"/mark", os.O_RDONLY) >= 0:
        caught("QUEUE")
    if libc.shm_open(b"/mark", os.O_RDONLY, 0) >= 0:
        caught("SHM")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    libc.mq_open(b"/mark", os.O_CREAT | os.O_RDWR, 0o666, None)
    libc.shm_open(b"/mark", os.O_CREAT | os.O_RDWR, 0o666)
