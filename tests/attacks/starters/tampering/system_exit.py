"""Raises SystemExit(0).

Promise: I4
"""

import sys
def evil(*args):
    sys.exit(0)
