"""Connects to the machine around it: its own addresses, gateways and the services a grader has.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for host in ("127.0.0.1", "172.17.0.1", "10.0.2.2", "192.168.0.1", "1.1.1.1", "::1", "fe80::1", "2606:4700:4700::1111"):
        for port in (22, 53, 80, 443, 2375, 5432, 6379, 8000, 8080):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
                one.settimeout(0.05)
                if one.connect_ex((host, port)) == 0:
                    caught(f"TCP {host}:{port}")
    return 0
