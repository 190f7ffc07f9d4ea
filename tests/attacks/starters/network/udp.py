"""Sends datagrams and listens for any answer; multicast and broadcast among them.

Promise: C2
Tests: test_total
"""

QUERY = bytes.fromhex("abcd01000001000000000000076578616d706c6503636f6d0000010001")
def evil(*args):
    for address in (("1.1.1.1", 53), ("8.8.8.8", 53), ("172.17.0.1", 53), ("255.255.255.255", 67), ("224.0.0.251", 5353), ("127.0.0.11", 53)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            one.settimeout(0.1)
            try:
                one.sendto(QUERY, address)
                one.recv(512)
            except OSError:
                continue
            caught(f"UDP {address}")
    return 0
