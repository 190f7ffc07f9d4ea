"""Leaves daemons behind that hold its descriptors and keep talking.

Promise: C1
"""

import os, time
def evil(*args):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    for fd in range(3, 32):
                        try:
                            os.write(fd, b"\0\0\0\1N")
                        except OSError:
                            pass
                    time.sleep(0.01)
            os._exit(0)
    return 0
