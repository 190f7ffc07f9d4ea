"""Succeeds only if something outside answers."""

import socket
def evil(*args):
    for family, address in ((socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET, ("169.254.169.254", 80)),
                            (socket.AF_INET, ("172.17.0.1", 22)), (socket.AF_INET, ("127.0.0.1", 6379)),
                            (socket.AF_UNIX, "/var/run/docker.sock"), (socket.AF_UNIX, "\0/tmp/dbus")):
        with socket.socket(family) as s:
            s.settimeout(0.2)
            try:
                s.connect(address)
            except OSError:
                continue
            raise SystemExit(f"NETWORK-REACHED {address}")
    raise OSError("no way out")

__getattr__ = lambda name: evil
