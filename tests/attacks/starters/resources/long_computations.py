"""Asks for one number so large that the interpreter answers no signal before it is done.

Promise: C1
Tests: test_total
"""

def evil(*args):
    return 10 ** (10 ** 9) % 7
