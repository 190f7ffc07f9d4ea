"""Leaves dead children that nobody buries, and orphans that go to process 1.

Promise: C1
Tests: test_total test_scaled
"""

def evil(*args):
    for _ in range(500):
        try:
            if os.fork() == 0:
                try:
                    os.fork()
                finally:
                    os._exit(0)
        except OSError:
            pass
    return 0
