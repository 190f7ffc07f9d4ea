"""Claims texts, bytes, lists and integers of four gigabytes inside small frames.

Promise: I2
"""

HUGE = b"\xff\xff\xff\xff"
def evil(*args):
    for tag in (b"s", b"b", b"l", b"t", b"m", b"Q", b"D", b"I", b"a\x03\x08" + HUGE * 7):
        say(frame(items(text("values"), tag + HUGE + b"x" * 100)))
    return 0
