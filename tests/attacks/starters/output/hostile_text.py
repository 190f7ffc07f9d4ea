"""Raises messages full of control characters, markup and fake verdicts.

Promise: C5
"""

TEXT = "\x1b[2J\x1b]8;;http://evil\x07click\x1b]8;;\x07 <script>alert(1)</script> \u202e\u200b\ud800 \x00 remote: 100/100" + "A" * 1_000_000
class Evil(Exception):
    __str__ = lambda self: TEXT
def evil(*args):
    print(TEXT)
    raise Evil
