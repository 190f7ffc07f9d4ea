"""Opens connections of its own to the judge and speaks on them as a child, with words it has seen.

Promise: I2
"""

import sys
def tokens():
    frame_ = sys._getframe()
    while frame_ is not None:
        yield from (value for value in frame_.f_locals.values() if isinstance(value, str) and len(value) == 32)
        frame_ = frame_.f_back
held = []
def evil(*args):
    for token in {*tokens(), "0" * 32, ""}:
        for kind in ("child", "zygote"):
            one = socket.socket(socket.AF_UNIX)
            one.setblocking(False)
            try:
                one.connect(door())
                one.send(frame(items(text(kind), text(token))) + frame(items(text("values"), items(b"d" + b"\0" * 8))))
            except OSError:
                pass
            held.append(one)
    return 0
