"""Stops itself, so that no signal but the last one reaches it.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

import signal
def evil(*args):
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0
