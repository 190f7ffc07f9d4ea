"""Asks for memory without end.

Promise: C1
"""

def evil(*args):
    hoard = []
    while True:
        hoard.append(bytearray(64 << 20))
