"""Sends what only the judge may send: callables and random streams.

Promise: I2
"""

def evil(*args):
    for value in (b"H\0\0\0\0", b"G\0\0\0\0" + b"\0" * 16):
        say(frame(items(text("values"), items(value))))
    return 0
