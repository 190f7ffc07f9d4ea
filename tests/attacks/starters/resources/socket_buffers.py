"""Fills the kernel buffers of sockets and pipes, and sends descriptors that nobody takes.

Promise: C1
Tests: test_total test_scaled
"""

import array
def evil(*args):
    held = []
    try:
        while True:
            a, b = socket.socketpair()
            held += [a, b]
            a.setblocking(False)
            a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
            try:
                for _ in range(64):
                    a.sendmsg([b"x" * 65536], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [a.fileno()] * 200))])
            except OSError:
                pass
    except OSError:
        return 0
