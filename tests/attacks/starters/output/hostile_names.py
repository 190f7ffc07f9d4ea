"""Puts control characters, markup and line ends into the names of its exceptions and functions.

Promise: C5
"""

NAME = "\x1b[2J\r\nremote: 10/10 PASSED <script>alert(1)</script>\u202e\u2066"
def evil(*args):
    kind = type("E", (Exception,), {})
    kind.__name__ = kind.__qualname__ = NAME
    evil.__name__ = evil.__qualname__ = NAME
    raise kind(NAME)
