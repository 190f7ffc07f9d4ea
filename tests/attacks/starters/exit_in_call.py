"""Ends the process with success inside a call."""

import os
def evil(*args):
    os._exit(0)

__getattr__ = lambda name: evil
