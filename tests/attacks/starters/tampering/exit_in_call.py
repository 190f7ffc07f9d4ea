"""Ends the process with success inside a call.

Promise: I4
"""

import os
def evil(*args):
    os._exit(0)
