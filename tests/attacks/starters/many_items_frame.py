"""Sends a small frame that claims four billion items."""

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
def evil(*args):
    data = b"l\xff\xff\xff\xff"
    os.write(channel(), struct.pack(">I", len(data)) + data)
    return 0

__getattr__ = lambda name: evil
