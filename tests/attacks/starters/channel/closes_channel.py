"""Closes every descriptor it has.

Promise: I2
"""

import os, socket, stat, struct
def evil(*args):
    os.closerange(0, 256)
    return 0
