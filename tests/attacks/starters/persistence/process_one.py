"""Changes what process 1 hands down to the next test: its limits, its priority, its processors.

Promise: I7
Sandboxes: bubblewrap docker
Tests: test_total test_scaled test_asked
"""

import resource
def look():
    if resource.getrlimit(resource.RLIMIT_STACK)[0] == 7_340_032 or os.getpriority(os.PRIO_PROCESS, 0) == 7:
        caught("INHERITED")
    if resource.getrlimit(resource.RLIMIT_SIGPENDING if hasattr(resource, "RLIMIT_SIGPENDING") else 11)[0] == 77:
        caught("LIMIT")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    for change in (lambda: resource.prlimit(1, resource.RLIMIT_STACK, (7_340_032, resource.prlimit(1, resource.RLIMIT_STACK)[1])),
                   lambda: resource.prlimit(1, 11, (77, resource.prlimit(1, 11)[1])),
                   lambda: os.setpriority(os.PRIO_PROCESS, 1, 7)):
        try:
            change()
        except (OSError, ValueError):
            pass
