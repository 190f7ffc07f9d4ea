"""Sends bytes that are no value, pickles among them.

Promise: I2
"""

import pickle
def evil(*args):
    for data in (b"", b"\xee", pickle.dumps(print), b"a\0\xff" + b"\xff" * 40, b"q\0", b"s\0\0\0\4\xff\xff\xff\xff"):
        os.write(channel(), struct.pack(">I", len(data)) + data)
    return 0
