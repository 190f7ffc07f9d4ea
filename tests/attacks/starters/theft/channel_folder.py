"""Looks for other sockets in the channel, and waits at the door for what is said to strangers.

Promise: I3
"""

def evil(*args):
    try:
        caught(f"CHANNEL {os.listdir('/channel')}")
    except OSError:
        pass
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(0.2)
        try:
            stranger.connect(door())
            if stranger.recv(1):
                caught("WORDS")
        except OSError:
            pass
    return 0
