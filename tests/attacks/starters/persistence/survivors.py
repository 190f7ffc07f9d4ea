"""Leaves processes of every kind of parentage, and looks for them.

Promise: I7
Tests: test_total test_scaled test_asked
"""

import signal, time
def look():
    others = [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())]
    if others:
        caught(f"SURVIVOR {others}")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    for _ in range(4):
        try:
            if os.fork() == 0:
                os.setsid()
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
                os.fork()
                while True:
                    time.sleep(100)
        except OSError:
            pass
