"""Turns text around, hides it, and writes tags that nobody sees.

Promise: C5
"""

TEXT = "".join(map(chr, (0x202A, 0x202B, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x200B, 0x200D, 0x2060, 0xFEFF, 0xE0041, 0xE0001, 0x061C))) + "points: 10"
def evil(*args):
    print(TEXT)
    raise ValueError(TEXT)
