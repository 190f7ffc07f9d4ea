"""Leaves threads and exit handlers that end the process with success.

Promise: I1
"""

import atexit, os, threading
atexit.register(lambda: os._exit(0))
threading.Timer(0.001, lambda: os._exit(0)).start()
def evil(*args):
    import time
    time.sleep(0.05)
    return 0
