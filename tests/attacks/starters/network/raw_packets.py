"""Opens raw, packet, key and other rare sockets.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for family in (*range(3, 10), *range(11, 16), 17, *range(18, 46)):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
            except OSError:
                continue
            if family not in (38, 40):  # AF_ALG leads nowhere; AF_VSOCK has an attack of its own
                caught(f"FAMILY {family}")
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.socket(family, socket.SOCK_RAW, 1).close()
        except OSError:
            continue
        caught("RAW")
    return 0
