"""Writes a perfect report on every path and descriptor it can reach.

Promise: I4
"""

import glob, json, os
REPORT = json.dumps({"event": "report", "report": {"exitcode": 0, "tests": [
    {"nodeid": "x::test_expected_tokens", "outcome": "passed"}], "summary": {"passed": 99, "total": 99}}}) + "\n"
def evil(*args):
    for place in ("report.json", ".report.json", "/work/report.json", "/channel/report.json", "/tmp/report.json",
                  "/out/report.json", "results.json", *glob.glob("/proc/*/fd/*"), *glob.glob("/proc/self/fd/*")):
        try:
            with open(place, "w") as file:
                file.write(REPORT)
        except OSError:
            pass
    for fd in range(64):
        try:
            os.write(fd, REPORT.encode())
        except OSError:
            pass
    return 0
