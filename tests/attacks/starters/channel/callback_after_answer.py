"""Answers, and asks the oracle afterwards.

Promise: I2
Tests: test_asked test_total
"""

def evil(*args):
    say(frame(items(text("values"), items(items(b"q" + b"\0" * 8, b"q" + b"\0" * 8)))))
    say(frame(items(text("callback"), b"q" + struct.pack(">q", 0), items(b"q" + struct.pack(">q", 7)))))
    return 0
