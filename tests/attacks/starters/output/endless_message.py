"""Raises with a message that is never finished.

Promise: C5
Tests: test_total
"""

class Evil(Exception):
    def __str__(self):
        while True: pass
    __repr__ = __str__
def evil(*args):
    raise Evil
