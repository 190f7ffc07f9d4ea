"""Opens files, pipes and sockets until there are no more.

Promise: C1
"""

def evil(*args):
    held = []
    for make in (lambda: open("/dev/null"), os.pipe, socket.socketpair, lambda: os.open("/work", os.O_RDONLY)):
        try:
            while True:
                held.append(make())
        except OSError:
            pass
        if held: held.pop()
    return 0
