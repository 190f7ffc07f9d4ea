"""Sends a hundred megabytes of answers.

Promise: C1
Tests: test_total test_scaled
"""

ANSWER = frame(items(text("values"), items(b"D" + struct.pack(">I", 100_000) + b"\0" * 800_000)))
def evil(*args):
    for _ in range(125):
        say(ANSWER)
    return 0
