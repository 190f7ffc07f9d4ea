"""Sends an array of truth values whose bytes are neither 0 nor 1.

Promise: I2
"""

def evil(*args):
    say(frame(items(text("values"), items(b"a\x00\x01" + struct.pack(">I", 4) + b"\x02\xff\x01\x00"))))
    return 0
