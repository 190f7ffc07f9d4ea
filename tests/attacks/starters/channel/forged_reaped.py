"""Sends what process 1 would send when the test is over: that it all went well.

Promise: I2
"""

def evil(*args):
    say(frame(items(text("reaped"), b"q" + struct.pack(">q", 0), b"b" + struct.pack(">I", 2) + b"ok", b"q" + b"\0" * 8)))
    return 0
