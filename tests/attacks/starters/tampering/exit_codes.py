"""Ends its process with every exit code that pytest gives a meaning.

Promise: I4
"""

import signal
def evil(*args):
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL if len(args) == 1 else signal.SIGTERM)
    os._exit(len(args) + 1)
