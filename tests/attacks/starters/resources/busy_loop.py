"""Burns its processor in every process it may have.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

def evil(*args):
    for _ in range(12):
        if os.fork() == 0:
            break
    while True:
        pass
