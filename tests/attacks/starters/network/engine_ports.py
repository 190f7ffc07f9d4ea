"""Speaks to an engine wherever one usually listens: the ports of its servers, rendezvous stores and queues.

Promise: C2
Lab: target-2
Tests: all
"""

PORTS = (8000, 8001, 8080, 5555, 5557, 6006, 13345, 29400, 29500, 29501, 30000, 51216)
def evil(*args):
    for host in ("127.0.0.1", "::1", "172.17.0.1", "0.0.0.0"):
        for port in PORTS:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
                one.settimeout(0.05)
                if one.connect_ex((host, port)) == 0:
                    caught(f"ENGINE {host}:{port}")
    return 0
