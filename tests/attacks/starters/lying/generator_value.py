"""Returns a generator that does its work, and its damage, when it is read.

Promise: I6
"""

def evil(*args):
    def parts():
        for value in args:
            if hasattr(value, "clear"): value.clear()
            yield 1.0
        while True:
            yield 1.0
    return parts()
