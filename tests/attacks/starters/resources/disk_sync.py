"""Asks the kernel to write all disks of the machine, again and again.

Promise: C3
Tests: test_total
"""

import threading, time
def evil(*args):
    end = time.monotonic() + 1.5
    def flush():
        while time.monotonic() < end:
            os.sync()
    for _ in range(4):
        threading.Thread(target=flush, daemon=True).start()
    time.sleep(1.6)
    return 0
