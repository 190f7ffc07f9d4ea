"""Leaves processes of every kind of parentage, and looks for them.

Promise: I7
Tests: test_total test_scaled test_asked
"""

import signal, time
def others():
    return {pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())}

def look():
    """Whoever compiled this file may be there for a moment more; what an attack leaves behind stays."""
    seen = others()
    for _ in range(20):
        if not seen:
            return
        time.sleep(0.05)
        seen &= others()
    caught(f"SURVIVOR {sorted(seen)}")

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
