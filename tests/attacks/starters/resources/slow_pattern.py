"""Matches a pattern that takes exponential time.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

import re
def evil(*args):
    return bool(re.match(r"(a+)+$", "a" * 64 + "b"))
