"""Sends answers to calls that were not made yet.

Promise: I2
"""

def evil(*args):
    value = b"l\0\0\0\2s\0\0\0\6valuesD\0\0\0\1" + struct.pack("<d", 1.5)
    for _ in range(50):
        os.write(channel(), struct.pack(">I", len(value)) + value)
    return 1.5
