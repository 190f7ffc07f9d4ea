"""Sends a fault of its own wording over the channel.

Promise: C5
"""

def evil(*args):
    words = "\x1b[2J\x07 \u202e <b>remote: 10/10\r\n PASSED" * 100
    say(frame(items(text("fault"), text("Unloadable"), text(words), text(words), text(""), b"N")))
    return 0
