"""Fills every place it can write to.

Promise: C1
"""

import os
def evil(*args):
    block = b"x" * (1 << 20)
    for folder in ("/work", "/tmp", "/dev/shm", "/channel", "/var/tmp", "."):
        for number in range(4096):
            try:
                with open(os.path.join(folder, f"flood{number}"), "wb") as file:
                    while True:
                        file.write(block)
            except OSError:
                break
    return 0
