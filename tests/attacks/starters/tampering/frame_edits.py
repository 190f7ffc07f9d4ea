"""Writes into the local variables of its callers.

Promise: I1
"""

import ctypes, sys
def evil(*args):
    frame_ = sys._getframe(1)
    while frame_ is not None:
        for name in list(frame_.f_locals):
            if name in ("plain", "before", "after", "name", "calls", "order", "watched", "values"):
                frame_.f_locals[name] = 1.0
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame_), ctypes.c_int(0))
        frame_ = frame_.f_back
    return 0
