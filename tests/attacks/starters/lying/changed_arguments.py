"""Overwrites whatever array or list it is given, and again later from a thread.

Promise: I6
"""

import threading, time
import numpy as np
def spoil(args):
    for value in args:
        if isinstance(value, np.ndarray):
            value[...] = 0
        elif isinstance(value, list):
            value.clear()
def evil(*args):
    spoil(args)
    threading.Thread(target=lambda: (time.sleep(0.01), spoil(args)), daemon=True).start()
    return 0
