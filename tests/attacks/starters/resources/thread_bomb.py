"""Starts threads without end.

Promise: C1
Tests: test_total test_scaled
"""

import threading, time
def evil(*args):
    try:
        while True:
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    except RuntimeError:
        return 0
