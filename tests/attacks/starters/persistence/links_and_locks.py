"""Leaves links to folders, folders without rights and files nobody may delete.

Promise: I7
Tests: test_total test_scaled test_asked
"""

def look():
    for name in ("link", "locked", "loop", "pipe", "hard"):
        if os.path.lexists(f"/work/{name}"):
            caught(f"LEFT {name}")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    for make in (lambda: os.symlink("/usr", "/work/link"), lambda: os.symlink("loop", "/work/loop"), lambda: os.mkfifo("/work/pipe"),
                 lambda: os.makedirs("/work/locked/inner/more"), lambda: os.chmod("/work/locked/inner", 0), lambda: os.chmod("/work/locked", 0)):
        try:
            make()
        except OSError:
            pass
