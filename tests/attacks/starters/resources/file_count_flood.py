"""Creates files without end.

Promise: C1
Tests: test_total
"""

def evil(*args):
    for number in range(200_000):
        try:
            open(f"/work/f{number}", "w").close()
        except OSError:
            break
    return 0
