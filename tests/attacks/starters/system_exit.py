"""Raises SystemExit(0)."""

import sys
def evil(*args):
    sys.exit(0)

__getattr__ = lambda name: evil
