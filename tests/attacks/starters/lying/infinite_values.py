"""Returns a generator, an iterator and a list that never end.

Promise: I6
"""

import itertools
def evil(*args):
    return itertools.count()
