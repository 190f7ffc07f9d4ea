"""Sends dicts whose keys all have the same hash: reading them takes quadratic time.

Promise: C1
Tests: test_total test_scaled
"""

P = 2**61 - 1
ONE = b"m" + struct.pack(">I", 1000) + b"".join(b"I" + struct.pack(">I", 10) + (n * P).to_bytes(10, "big") + b"N" for n in range(1000))
def evil(*args):
    say(frame(items(text("values"), items(*[ONE] * 480))))
    return 0
