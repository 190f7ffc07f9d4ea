"""Returns a generator, an iterator and a list that never end."""

import itertools
def evil(*args):
    return itertools.count()

__getattr__ = lambda name: evil
