"""Asks for memory without end."""

def evil(*args):
    hoard = []
    while True:
        hoard.append(bytearray(64 << 20))

__getattr__ = lambda name: evil
