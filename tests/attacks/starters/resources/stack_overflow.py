"""Recurses below Python, where no limit of the interpreter counts.

Promise: C1
Tests: test_total test_scaled
"""

import threading
def evil(*args):
    threading.stack_size(64 << 20)
    deep = []
    for _ in range(2_000_000):
        deep = [deep]
    return repr(deep)
