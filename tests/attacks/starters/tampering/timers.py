"""Lets a timer and a signal handler raise in the middle of whatever runs.

Promise: I1
Tests: test_total test_scaled
"""

import signal
def ring(*a): raise SystemExit(0)
for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGUSR1):
    signal.signal(number, ring)
for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
    signal.setitimer(which, 0.002, 0.002)
def evil(*args):
    while True:
        pass
