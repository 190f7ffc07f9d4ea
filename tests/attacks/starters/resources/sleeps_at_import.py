"""Sleeps while it is imported.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

import time
time.sleep(10_000)
