"""Knocks at the judge's door as a new guest, again and again.

Promise: I2
"""

import os, socket, stat, struct
def evil(*args):
    held = []
    for _ in range(100):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(0.2)
        try:
            s.connect(door())
            data = b"l\0\0\0\2s\0\0\0\6zygotes\0\0\0\0"
            s.sendall(struct.pack(">I", len(data)) + data)
        except OSError:
            pass
        held.append(s)
    os._exit(0)
