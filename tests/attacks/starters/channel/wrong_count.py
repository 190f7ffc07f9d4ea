"""Answers one call with no value, and with a thousand.

Promise: I2
"""

calls = []
def evil(*args):
    calls.append(1)
    say(frame(items(text("values"), items(*[b"d" + b"\0" * 8] * (0 if len(calls) % 2 else 1000)))))
    return 0
