"""Raises what process 1 is made of against it: signals, limits, its own files.

Promise: C1
Tests: test_total test_scaled
"""

import resource, signal
def evil(*args):
    for number in range(1, 65):
        try:
            os.kill(1, number)
        except OSError:
            pass
    for which in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
        try:
            resource.prlimit(1, which, (1, 1))
        except (OSError, ValueError):
            pass
    return 0
