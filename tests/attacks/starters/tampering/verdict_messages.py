"""Answers calls with verdicts in place of values.

Promise: I4
"""

def evil(*args):
    for word in ("passed", "verdict", "report", "ok", "skip"):
        say(frame(items(text(word), items(text("passed")), b"T")))
    return 0
