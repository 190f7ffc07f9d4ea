"""Rewrites the code that runs it, on disk.

Promise: I7
Tests: test_total test_scaled test_asked
"""

def look():
    if getattr(__import__("labkit"), "MARKED", False):
        caught("CODE")
    for root in ("/work/harness", "/work/course"):
        for folder, _, files in os.walk(root):
            for name in files:
                with open(f"{folder}/{name}", "rb") as file:
                    if file.read().startswith(b"# marked"):
                        caught(f"CODE {folder}/{name}")

def evil(*args):
    look()
    leave()
    return 0

def leave():
    for root in ("/work/harness", "/work/course", "/opt/site", "/work/submission"):
        for folder, _, files in os.walk(root):
            for name in files:
                try:
                    with open(f"{folder}/{name}", "r+b") as file:
                        rest = file.read()
                        file.seek(0)
                        file.write(b"# marked\nimport labkit; labkit.MARKED = True\n" + rest)
                except OSError:
                    pass
