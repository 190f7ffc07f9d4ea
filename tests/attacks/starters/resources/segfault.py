"""Reads address zero.

Promise: C1
"""

import ctypes
def evil(*args):
    return ctypes.string_at(0)
