"""Announces a frame, sends half of it and is gone.

Promise: I2
"""

def evil(*args):
    os.write(channel(), struct.pack(">I", 1000) + b"l\0\0\0\2" + b"x" * 400)
    os._exit(0)
