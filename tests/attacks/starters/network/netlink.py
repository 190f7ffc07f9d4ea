"""Changes addresses, routes and links over netlink.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for protocol in range(0, 22):
        try:
            one = socket.socket(16, socket.SOCK_RAW, protocol)
        except OSError:
            continue
        one.settimeout(0.1)
        try:
            one.bind((0, 0))
            one.send(struct.pack("IHHII", 32, 16, 5, 1, 0) + struct.pack("BxHiII", 0, 0, 1, 1, 1))  # RTM_NEWLINK: lo up
            answer = one.recv(4096)
            if len(answer) >= 20 and struct.unpack_from("i", answer, 16)[0] == 0 and answer[4:6] == b"\2\0":
                caught(f"NETLINK {protocol}")
        except OSError:
            pass
        one.close()
    return 0
