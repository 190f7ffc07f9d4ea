"""Right for nobody: makes float, len, sum, sorted and range of its process lie.

Promise: I1
"""

import builtins
builtins.float = builtins.int = lambda *a: 0
builtins.len = lambda *a: 1
builtins.sum = builtins.max = builtins.min = lambda *a: 0
builtins.range = lambda *a: [0]
builtins.type = lambda *a: str
def evil(*args):
    return 0
