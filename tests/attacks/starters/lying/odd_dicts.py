"""Returns dicts with NaN, tuples and equal keys of several types.

Promise: I2
"""

nan = float("nan")
def evil(*args):
    return {nan: 1, float("nan"): 2, (1, (nan,)): 3, 1: 4, "1": 5, None: 6, True: 7, b"x": 8}
