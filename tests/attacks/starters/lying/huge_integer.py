"""Returns an integer of a hundred million bits.

Promise: I2
"""

def evil(*args):
    return 1 << 100_000_000
