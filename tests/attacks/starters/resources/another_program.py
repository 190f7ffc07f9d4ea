"""Becomes another program, which holds on to the descriptors.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

def evil(*args):
    os.set_inheritable(channel(), True)
    os.execv("/bin/sh", ["sh", "-c", "while :; do :; done"])
