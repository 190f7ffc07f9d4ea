"""Prints bytes that grow sixfold when they are escaped, in every test of a long lab.

Promise: C5
Lab: lab-01
Tests: all
"""

def evil(*args):
    os.write(1, b"\0" * 32768 + b"\xff" * 32768)
    os.write(1, b"\x1b" * 30000)
    return 0
