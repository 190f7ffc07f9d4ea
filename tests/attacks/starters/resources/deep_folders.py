"""Makes folders inside folders until no path reaches them.

Promise: C1
Tests: test_total test_scaled
"""

def evil(*args):
    try:
        for _ in range(3000):
            os.mkdir("d" * 50)
            os.chdir("d" * 50)
    except OSError:
        pass
    return 0
