"""Sends a small frame that claims four billion items.

Promise: I2
"""

def evil(*args):
    data = b"l\xff\xff\xff\xff"
    os.write(channel(), struct.pack(">I", len(data)) + data)
    return 0
