"""Frames on the channel: a 4-byte big-endian length and one value (see `wire`), under one deadline."""

import select
import socket
import struct
import time
from typing import Any

from worker.harness.wire import WireError, encode

MAX_FRAME = 8 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_PIECE = 1 << 18


def frame(value: Any) -> bytes:
    """The frame of one value. Raises WireError for what cannot cross."""
    data = encode(value)
    if len(data) > MAX_FRAME:
        raise WireError(f"a message of {len(data):,} bytes")
    return _LENGTH.pack(len(data)) + data


def send_frame(connection: socket.socket, value: Any) -> None:
    """Send one value; the connection's timeout holds."""
    connection.sendall(frame(value))


def send_by(connection: socket.socket, data: bytes, deadline: float) -> None:
    """Send a frame, all of it before `deadline` (time.monotonic): a guest that does not read holds nobody up.

    Raises TimeoutError, OSError where the other side is gone.
    """
    connection.settimeout(_remaining(deadline))
    connection.sendall(data)


def receive_frame(connection: socket.socket, deadline: float | None, most: int = MAX_FRAME) -> bytes:
    """The bytes of one frame. `deadline` (time.monotonic) holds over all reads: one byte a second does not stretch it.

    Raises EOFError where the other side is gone, TimeoutError, WireError for a frame of more than `most` bytes.
    """
    (size,) = _LENGTH.unpack(_receive(connection, 4, deadline))
    if size > most:
        raise WireError(f"a frame of {size:,} bytes")
    return _receive(connection, size, deadline)


def spoke(connection: socket.socket) -> bool:
    """Whether there are bytes to read that nobody asked for yet. Never waits."""
    connection.settimeout(None)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))  # nothing: it has hung up
    except OSError:
        return False  # nothing there, or the next send or read tells


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def _receive(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    connection.settimeout(None)
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    while len(data) < size:
        if not poll.poll(None if deadline is None else 1000 * _remaining(deadline)):
            raise TimeoutError
        try:
            piece = connection.recv(min(size - len(data), _PIECE), socket.MSG_DONTWAIT)
        except BlockingIOError:  # which makes a socket look readable for good
            raise WireError("urgent data") from None
        except ConnectionError:
            raise EOFError from None
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
