"""Announces a frame and says no more.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

import time
def evil(*args):
    os.write(channel(), struct.pack(">I", 1000))
    time.sleep(1000)
