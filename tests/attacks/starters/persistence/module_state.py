"""Leaves marks in modules, builtins, the environment and everything else of its process.

Promise: I7
Tests: test_total test_scaled test_asked
"""

import builtins, random, signal, sys
import numpy as np
def look():
    if getattr(builtins, "MARK", 0) or getattr(np, "MARK", 0) or "MARK" in os.environ or "mark" in sys.modules or os.umask(0o77) == 0o123:
        caught("STATE")
    if signal.getsignal(signal.SIGUSR2) is not signal.SIG_DFL or sys.getrecursionlimit() == 4321 or os.getcwd() == "/":
        caught("SETTINGS")
    if np.random.get_state()[1][0] == 99 or random.getstate()[1][0] == 99:
        caught("RANDOM")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    builtins.MARK = np.MARK = 1
    os.environ["MARK"] = "1"
    sys.modules["mark"] = sys
    os.umask(0o123)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    sys.setrecursionlimit(4321)
    np.random.seed(99)
    os.chdir("/")
