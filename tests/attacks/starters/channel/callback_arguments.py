"""Asks the oracle with a million items, deep nests, numbers of a thousand bits and arrays.

Promise: I2
Tests: test_asked
"""

import numpy as np
def evil(oracle, *args):
    deep = 1
    for _ in range(30): deep = [deep]
    for question in (list(range(900_000)), deep, 2**1000, np.zeros(900_000), "x" * 900_000, float("nan"), {"a": 1}):
        try:
            oracle(question)
        except Exception:
            pass
    return [0, 0]
