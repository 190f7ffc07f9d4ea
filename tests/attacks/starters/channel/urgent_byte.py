"""Sends a byte out of band: the judge's end then looks as if there were something to read, for good.

Promise: C1
"""

import time
def evil(*args):
    with socket.socket(fileno=os.dup(channel())) as one:
        one.send(b"x", socket.MSG_OOB)
    time.sleep(1_000)
