"""Looks for more than one socket in the channel, and waits at the door for what is said to strangers.

Promise: I3
"""

def evil(*args):
    if set(os.listdir("/channel")) - {"judge.sock"}:
        caught(f"CHANNEL {os.listdir('/channel')}")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(0.2)
        try:
            stranger.connect(SOCKET)
            if stranger.recv(1):
                caught("WORDS")
        except OSError:
            pass
    return 0
