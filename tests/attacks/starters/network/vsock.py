"""Reaches for the hypervisor over AF_VSOCK.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for cid in (0, 1, 2, 3):
        for port in (22, 1024, 8000):
            try:
                with socket.socket(40, socket.SOCK_STREAM) as one:
                    one.settimeout(0.1)
                    one.connect((cid, port))
            except (OSError, TypeError):
                continue
            caught(f"VSOCK {cid}:{port}")
    return 0
