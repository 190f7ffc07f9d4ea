"""Connects to every Unix socket it finds or can name, by file and by abstract name.

Promise: C2
Tests: test_total
"""

def evil(*args):
    found = ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private", "/run/dbus/system_bus_socket",
             "/tmp/.X11-unix/X0", "/var/run/redis/redis.sock", "/var/run/postgresql/.s.PGSQL.5432", "/run/nscd/socket", "/run/user/0/bus"]
    for folder, folders, files in os.walk("/"):
        folders[:] = [n for n in folders if f"{folder}/{n}" not in ("//proc", "//sys", "//usr")]
        found += [f"{folder}/{name}" for name in files if stat.S_ISSOCK(os.lstat(f"{folder}/{name}").st_mode)]
    found += ["\0" + name for name in ("/tmp/dbus", "/tmp/.X11-unix/X0", "/containerd-shim/x", "ISCSIADM_ABSTRACT_NAMESPACE")]
    try:
        with open("/proc/net/unix") as table:
            found += ["\0" + line.split()[7][1:] for line in table if len(line.split()) > 7 and line.split()[7].startswith("@")]
    except OSError:
        pass
    for place in found:
        if place == door():
            continue
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            with socket.socket(socket.AF_UNIX, kind) as one:
                one.settimeout(0.1)
                try:
                    one.connect(place)
                except (OSError, ValueError):
                    continue
                caught(f"SOCKET {place!r}")
    return 0
