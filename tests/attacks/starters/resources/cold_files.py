"""Throws the files that everybody reads out of the page cache.

Promise: C3
Tests: test_total
"""

import time
def evil(*args):
    end = time.monotonic() + 1.5
    for folder, _, files in os.walk("/usr/lib"):
        for name in files:
            if time.monotonic() > end:
                return 0
            try:
                fd = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NOFOLLOW)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.read(fd, 1 << 20)
                os.close(fd)
            except OSError:
                pass
    return 0
