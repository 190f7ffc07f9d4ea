"""Shuts one half of its connection, and the other a little later.

Promise: I2
"""

def evil(*args):
    one = socket.socket(fileno=os.dup(channel()))
    one.shutdown(socket.SHUT_RD if len(args) == 1 else socket.SHUT_WR)
    return 0
