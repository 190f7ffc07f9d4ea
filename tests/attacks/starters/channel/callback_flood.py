"""Asks the oracle a million times.

Promise: C1
Tests: test_asked
"""

QUESTION = frame(items(text("callback"), b"q" + struct.pack(">q", 0), items(b"q" + struct.pack(">q", 7))))
def evil(*args):
    for _ in range(1_000_000):
        say(QUESTION)
        os.read(channel(), 65536)
    return 0
