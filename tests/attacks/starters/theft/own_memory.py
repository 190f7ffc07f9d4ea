"""Searches the memory of its own process for words that only the spec and the job hold.

Promise: I3
Tests: test_total test_asked
"""

import ctypes
WORDS = [bytes(reversed(word)) for word in (b"deksa_tset", b"deksa ,srewsna elcaro eht tahw", b"DEES_BAL", b"noitaluger fo drow", b"pop_tsetyp")]
def evil(*args):
    for line in open("/proc/self/maps"):
        place, rights = line.split()[:2]
        if not rights.startswith("rw") or "[v" in line:
            continue
        start, end = (int(x, 16) for x in place.split("-"))
        if end - start > 64 << 20:
            continue
        data = ctypes.string_at(start, end - start)
        for word in WORDS:
            if word in data:
                caught(f"MEMORY {word[:4]}")
    return 0
