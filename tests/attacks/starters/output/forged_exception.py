"""Sends exceptions whose name, place and function are hostile text.

Promise: C5
"""

def evil(*args):
    words = "\x1b]8;;http://evil\x07 \u2066 PASSED\r\nremote: 10/10"
    say(frame(items(text("fault"), text("StudentRaised"), text(words), text(words), text(words), text(words))))
    return 0
