"""Returns lists of integers that fit no machine word.

Promise: I2
"""

def evil(*args):
    return [2**1000, -(2**1000), 2**63]
