"""Returns a list that contains itself.

Promise: I2
"""

def evil(*args):
    loop = []
    loop.append(loop)
    return loop
