"""Asks for real time, the first place in every queue and locked memory.

Promise: C1
Tests: test_total
Verdict: timed_out
"""

import ctypes
def evil(*args):
    for policy in (os.SCHED_FIFO, os.SCHED_RR):
        try:
            os.sched_setscheduler(0, policy, os.sched_param(99))
        except OSError:
            continue
        caught("REALTIME")
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    except OSError:
        pass
    else:
        caught("PRIORITY")
    ctypes.CDLL(None).mlockall(3)
    while True:
        pass
