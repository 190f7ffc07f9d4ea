"""Asks the oracle without end and never takes an answer.

Promise: C1
Tests: test_asked
"""

QUESTION = frame(items(text("callback"), b"q" + struct.pack(">q", 0), items(b"q" + struct.pack(">q", 7))))
def evil(*args):
    while True:
        say(QUESTION * 100)
