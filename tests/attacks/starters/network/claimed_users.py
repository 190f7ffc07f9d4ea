"""Connects to the abstract names by which a worker claims its users.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for user in range(60578, 61184):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            try:
                one.connect(f"\0grader-user-{user}")
            except OSError:
                continue
            caught(f"CLAIM {user}")
    return 0
