"""Sends one byte a second, each of which restarts a naive timeout.

Promise: C1
Tests: test_total
"""

import time
def evil(*args):
    os.write(channel(), struct.pack(">I", 100_000))
    while True:
        os.write(channel(), b"l")
        time.sleep(0.5)
