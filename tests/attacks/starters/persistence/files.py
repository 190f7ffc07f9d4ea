"""Leaves files in every place it can write to, and looks for those of an earlier test or submission.

Promise: I7
Tests: test_total test_scaled test_asked
"""

PLACES = ("/work", "/work/submission", "/work/harness", "/work/course", "/work/harness/worker", "/tmp", "/var/tmp", "/dev/shm", "/channel", "/run", "/opt", "/opt/site", "/home", "/srv", "/")
def look():
    for place in PLACES:
        if os.path.lexists(f"{place}/.mark"):
            caught(f"FILE {place}")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    for place in PLACES:
        try:
            with open(f"{place}/.mark", "w") as file:
                file.write("I was here")
        except OSError:
            pass
