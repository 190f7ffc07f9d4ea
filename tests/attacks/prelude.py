"""Stands before every hostile starter: the way to the channel, a pen for its frames, and the alarm to raise."""

import os
import socket
import stat
import struct


def channel():
    """The descriptor that leads to the judge: the only stream socket this process holds."""
    for fd in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass
    return -1


def door():
    """Where the judge of this job listens: its name is chance's, but who is connected to it is told."""
    with socket.socket(fileno=os.dup(channel())) as connection:
        return connection.getpeername()


def frame(data):
    """Bytes as one frame of the channel."""
    return struct.pack(">I", len(data)) + data


def text(words):
    """A str on the wire."""
    return b"s" + struct.pack(">I", len(words.encode())) + words.encode()


def items(*values):
    """A list on the wire, of values that are on the wire already."""
    return b"l" + struct.pack(">I", len(values)) + b"".join(values)


def say(data):
    """Send all of it to the judge."""
    fd = channel()
    while data:
        data = data[os.write(fd, data) :]


def caught(what):
    """An attack has found what it must not: no message of a test that is well may hold this word."""
    raise SystemExit(f"CAUGHT-{what}")


def __getattr__(name):
    """Every function of any lab is the attack; the file behind this one says which."""
    return globals()["evil"]
