"""Frames on the channel: a 4-byte big-endian length and one value (see `wire`), under one deadline."""

import socket
import struct
import time
from typing import Any

from worker.harness.wire import WireError, encode

MAX_FRAME = 8 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_PIECE = 1 << 18


def send_frame(connection: socket.socket, value: Any) -> None:
    """Send one value; the connection's timeout holds."""
    data = encode(value)
    if len(data) > MAX_FRAME:
        raise WireError(f"a message of {len(data):,} bytes")
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive_frame(connection: socket.socket, deadline: float | None) -> bytes:
    """The bytes of one frame. `deadline` (time.monotonic) holds over all reads: one byte a second does not stretch it.

    Raises EOFError where the other side is gone, TimeoutError, WireError.
    """
    (size,) = _LENGTH.unpack(_receive(connection, 4, deadline))
    if size > MAX_FRAME:
        raise WireError(f"a frame of {size:,} bytes")
    return _receive(connection, size, deadline)


def _receive(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        if deadline is not None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            connection.settimeout(remaining)
        else:
            connection.settimeout(None)
        try:
            piece = connection.recv(min(size - len(data), _PIECE))
        except ConnectionError:
            raise EOFError from None
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
