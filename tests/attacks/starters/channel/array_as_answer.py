"""Answers with a list whose first item is an array, of which nobody can say whether it is equal to a word.

Promise: I2
"""

def evil(*args):
    say(frame(items(b"a\x03\x01" + struct.pack(">I", 2) + b"\0" * 8, text("x"))))
    return 0
