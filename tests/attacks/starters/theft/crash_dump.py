"""Crashes to leave a core file, and looks for one of others.

Promise: I3
"""

import glob, resource
def evil(*args):
    for path in glob.glob("/work/**/core*", recursive=True) + glob.glob("/channel/core*") + glob.glob("/tmp/core*"):
        if os.path.isfile(path) and os.path.getsize(path) > 1 << 20:
            caught(f"CORE {path}")
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        pass
    os.abort()
