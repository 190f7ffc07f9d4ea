"""Returns views whose contents a thread changes while they are read.

Promise: I6
"""

import threading
import numpy as np
shared = np.full(5, -1.0)
def spin():
    while True:
        shared[:] = np.random.rand()
threading.Thread(target=spin, daemon=True).start()
def evil(*args):
    return shared[:]
