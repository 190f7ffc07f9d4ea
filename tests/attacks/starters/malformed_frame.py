"""Sends bytes that are no value, pickles among them."""

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
import pickle
def evil(*args):
    for data in (b"", b"\xee", pickle.dumps(print), b"a\0\xff" + b"\xff" * 40, b"q\0", b"s\0\0\0\4\xff\xff\xff\xff"):
        os.write(channel(), struct.pack(">I", len(data)) + data)
    return 0

__getattr__ = lambda name: evil
