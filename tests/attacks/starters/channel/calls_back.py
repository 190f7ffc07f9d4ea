"""Calls functions the judge never handed out.

Promise: I2
"""

def evil(*args):
    for number in (0, 1, 2**31):
        data = b"l\0\0\0\3s\0\0\0\x08callbackq" + struct.pack(">q", number) + b"l\0\0\0\0"
        os.write(channel(), struct.pack(">I", len(data)) + data)
    return 0
