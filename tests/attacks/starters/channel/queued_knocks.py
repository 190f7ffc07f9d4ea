"""Leaves knocks of odd shape at the door for the next test: arrays, dicts, silence.

Promise: I2
"""

ARRAY = b"a\x03\x01" + struct.pack(">I", 2) + b"\0" * 8
held = []
def evil(*args):
    for number in range(40):
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(door())
            one.send(frame((items(ARRAY, text("x")), ARRAY, items(text("child"), ARRAY), b"", items())[number % 5]))
        except OSError:
            pass
        held.append(one)
    return 0
