"""Announces a frame of four gigabytes.

Promise: C1
"""

def evil(*args):
    os.write(channel(), b"\xff\xff\xff\xff" + b"x" * 1000)
    return 0
