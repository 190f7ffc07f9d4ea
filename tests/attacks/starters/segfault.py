"""Reads address zero."""

import ctypes
def evil(*args):
    return ctypes.string_at(0)

__getattr__ = lambda name: evil
