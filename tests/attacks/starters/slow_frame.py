"""Sends one byte a second, each of which restarts a naive timeout."""

import os, socket, stat, struct
def channel():
    """The descriptor that leads to the judge: the only stream socket this process holds."""
    for fd in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass
    return -1
import time
def evil(*args):
    os.write(channel(), struct.pack(">I", 100_000))
    while True:
        os.write(channel(), b"l")
        time.sleep(0.5)

__getattr__ = lambda name: evil
