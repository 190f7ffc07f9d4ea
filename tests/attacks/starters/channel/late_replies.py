"""Answers twice, so that the second answer meets the next call.

Promise: I2
"""

import threading, time
def later():
    time.sleep(0.05)
    for _ in range(10):
        say(frame(items(text("values"), items(b"d" + struct.pack("<d", 2.0)))))
def evil(*args):
    threading.Thread(target=later, daemon=True).start()
    return 1.0
