"""Leaves daemons that listen on ports, abstract names and in files.

Promise: I7
Tests: test_total test_scaled test_asked
"""

def look():
    for family, place in ((socket.AF_INET, ("127.0.0.1", 4567)), (socket.AF_UNIX, "\0mark"), (socket.AF_UNIX, "/work/mark.sock")):
        with socket.socket(family) as one:
            one.settimeout(0.2)
            if one.connect_ex(place) == 0:
                caught(f"LISTENER {place!r}")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            held = []
            for family, place in ((socket.AF_INET, ("127.0.0.1", 4567)), (socket.AF_UNIX, "\0mark"), (socket.AF_UNIX, "/work/mark.sock")):
                try:
                    one = socket.socket(family)
                    one.bind(place)
                    one.listen(5)
                    held.append(one)
                except OSError:
                    pass
            while True:
                import time
                time.sleep(100)
        os._exit(0)
