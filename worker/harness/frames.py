"""Frames on the channel: a 4-byte big-endian length and one value (see `wire`), under one deadline."""

import select
import socket
import struct
import time
from typing import Any

from worker.harness.wire import WireError, encode

MAX_FRAME = 8 * 1024 * 1024
OUT_OF_TURN = "an answer before the call, or a second one to the call before"
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
    left = memoryview(data)
    while True:
        try:
            left = left[connection.send(left, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            _await(connection, select.POLLOUT, deadline)
        if not left:
            return


def receive_frame(connection: socket.socket, deadline: float | None, most: int = MAX_FRAME) -> bytes:
    """The bytes of one frame. `deadline` (time.monotonic) holds over all reads: one byte a second does not stretch it.

    Raises EOFError where the other side is gone, TimeoutError, WireError for a frame of more than `most` bytes.
    """
    size = _size(_receive(connection, _LENGTH.size, deadline), most)
    return bytes(_receive(connection, size, deadline))


def receive_only_frame(connection: socket.socket, deadline: float | None, most: int = MAX_FRAME) -> bytes:
    """The same where nothing may follow the frame until it is answered: most of them come in one piece, read at once.

    WireError, too, where something follows.
    """
    data = bytearray()
    while len(data) < _LENGTH.size:
        data += _piece(connection, _PIECE, deadline)
    size = _size(data[: _LENGTH.size], most)
    del data[: _LENGTH.size]
    if len(data) > size:
        raise WireError(OUT_OF_TURN)
    while len(data) < size:
        data += _piece(connection, min(size - len(data), _PIECE), deadline)
    return bytes(data)


def spoke(connection: socket.socket) -> bool:
    """Whether there are bytes to read that nobody asked for yet. Never waits."""
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))  # nothing: it has hung up
    except OSError:
        return False  # nothing there, or the next send or read tells


def _size(header: bytes | bytearray, most: int) -> int:
    (size,) = _LENGTH.unpack(header)
    if size > most:
        raise WireError(f"a frame of {size:,} bytes")
    return int(size)


def _receive(connection: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray()
    while len(data) < size:
        data += _piece(connection, min(size - len(data), _PIECE), deadline)
    return data


def _piece(connection: socket.socket, most: int, deadline: float | None) -> bytes:
    """What has come, at most so much, by the deadline."""
    _await(connection, select.POLLIN, deadline)
    try:
        piece = connection.recv(most, socket.MSG_DONTWAIT)
    except BlockingIOError:  # which makes a socket look readable for good
        raise WireError("urgent data") from None
    except ConnectionError:
        raise EOFError from None
    if not piece:
        raise EOFError
    return piece


def _await(connection: socket.socket, event: int, deadline: float | None) -> None:
    """Raises TimeoutError."""
    poll = select.poll()
    poll.register(connection, event)
    remaining = None if deadline is None else 1000 * (deadline - time.monotonic())
    if (remaining is not None and remaining <= 0) or not poll.poll(remaining):
        raise TimeoutError
