"""Passes descriptors and credentials along with its frames.

Promise: I2
"""

import array
def evil(*args):
    one = socket.socket(fileno=os.dup(channel()))
    pipes = [fd for _ in range(50) for fd in os.pipe()]
    data = frame(items(text("values"), items(b"d" + b"\0" * 8)))
    one.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", pipes))])
    return 0
