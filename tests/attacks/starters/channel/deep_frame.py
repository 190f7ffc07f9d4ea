"""Sends a list nested half a million levels deep.

Promise: I2
"""

def evil(*args):
    data = b"l\0\0\0\1" * 500_000 + b"N"
    os.write(channel(), struct.pack(">I", len(data)))
    for i in range(0, len(data), 4096):
        os.write(channel(), data[i : i + 4096])
    return 0
