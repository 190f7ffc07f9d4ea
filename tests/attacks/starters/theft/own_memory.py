"""Searches the memory of its own process for words that only the spec and the job hold.

Promise: I3
Tests: test_total test_asked
"""

import ctypes
# letters are moved by 85, so that no word here finds itself: what is searched is a copy moved as far
MOVED = bytes((byte + 85) % 256 for byte in range(256))
WORDS = [word.translate(MOVED)[::-1] for word in (b"noitseuq + yek", b"]7[ == snur", b"ecno deksa ,srewsna elcaro eht tahw")]
def evil(*args):
    for line in open("/proc/self/maps"):
        place, rights = line.split()[:2]
        if not rights.startswith("rw") or "[v" in line:
            continue
        start, end = (int(x, 16) for x in place.split("-"))
        if end - start > 64 << 20:
            continue
        data = ctypes.string_at(start, end - start).translate(MOVED)
        for number, word in enumerate(WORDS):
            if word in data:
                caught(f"MEMORY {number}")
    return 0
