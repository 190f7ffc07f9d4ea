"""Prints the lines of a push that earned everything, with every kind of line end.

Promise: C5
"""

LINES = "".join(f"{end}remote: \u2713 10/10  test_total passed{end}remote: score 10 of 10\x1b[K" for end in ("\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1c"))
def evil(*args):
    print(LINES)
    raise ValueError(LINES)
