"""Asks the addresses at which clouds tell credentials.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for host in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
            one.settimeout(0.1)
            try:
                one.connect((host, 80))
            except OSError:
                continue
            caught(f"METADATA {host}")
    return 0
