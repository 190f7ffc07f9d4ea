"""Uses lone surrogates in messages, names, values and output.

Promise: C5
"""

import sys
TEXT = "\ud800\udfff\udc80"
def evil(*args):
    print(TEXT, file=sys.stderr)
    os.write(1, TEXT.encode("utf-8", "surrogatepass") + b"\xff\xfe\xc0\x80")
    if len(args) == 1:
        return TEXT
    raise type(f"E{TEXT}", (Exception,), {})(TEXT)
