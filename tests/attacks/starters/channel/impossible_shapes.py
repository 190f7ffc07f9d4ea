"""Sends arrays whose shape overflows every machine word though they hold nothing.

Promise: I2
"""

def evil(*args):
    for sizes in ((0, *[999_999] * 5), (2**32 - 1, 2**32 - 1, 0), (0,) * 8):
        say(frame(items(text("values"), items(b"a\x03" + bytes([len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)))))
    return 0
