"""Asks the engine itself: writes a judge's question on every descriptor, and reads each for an answer.

Promise: I4
Lab: target-2
Tests: all
"""

import fcntl
import json
LINE = json.dumps({"event": "measure", "asked": {"what": "stolen"}}).encode() + b"\n"
def evil(*args):
    for fd in range(1024):
        try:
            os.write(fd, LINE)
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
            if b'"measured"' in os.read(fd, 65536):
                caught(f"ANSWER {fd}")
        except OSError:
            pass
    return 0
