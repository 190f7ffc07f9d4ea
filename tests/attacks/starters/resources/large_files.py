"""Makes files of a terabyte, with holes and without.

Promise: C1
"""

def evil(*args):
    for name, make in (("holes", lambda fd: os.truncate(fd, 1 << 40)), ("full", lambda fd: os.posix_fallocate(fd, 0, 1 << 40)),
                       ("far", lambda fd: os.pwrite(fd, b"x", 1 << 40))):
        try:
            fd = os.open(f"/work/{name}", os.O_CREAT | os.O_RDWR)
            make(fd)
        except OSError:
            pass
    return 0
