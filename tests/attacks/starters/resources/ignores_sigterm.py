"""Ignores every signal it can and sleeps.

Promise: C1
Tests: test_total
"""

import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
def evil(*args):
    while True:
        time.sleep(1000)
