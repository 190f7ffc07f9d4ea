"""Looks for anything in its environment that is not the same for everybody.

Promise: I3
"""

import sys
KNOWN = {"PATH", "HOME", "LANG", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
         "PYTHONPATH", "LC_CTYPE", "MKL_NUM_THREADS"}
def evil(*args):
    if set(os.environ) - KNOWN:
        caught(f"ENVIRONMENT {set(os.environ) - KNOWN}")
    if any(len(word) > 2000 for word in sys.orig_argv):
        caught("ARGUMENTS")
    return 0
