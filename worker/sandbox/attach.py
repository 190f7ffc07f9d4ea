"""The attached streams of a container, as the engine sends them over a plain socket."""

import select
import socket
from contextlib import suppress

from worker.sandbox.output import CHUNK


class Frames:
    """Takes the engine's 8-byte headers out of a stream: which output, three zeros, the length (big endian)."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0

    def strip(self, chunk: bytes) -> bytes:
        """The payload in `chunk`, which may begin and end anywhere."""
        payload = bytearray()
        view = memoryview(chunk)
        while view:
            if self._left:
                taken = view[: self._left]
                payload += taken
                self._left -= len(taken)
            else:
                taken = view[: 8 - len(self._header)]
                self._header += taken
                if len(self._header) == 8:
                    self._left = int.from_bytes(self._header[4:], "big")
                    self._header.clear()
            view = view[len(taken) :]
        return bytes(payload)


class AttachedInput:
    """The writing half of an attached socket, as Sink."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection

    def fileno(self) -> int:
        """The descriptor."""
        return self._connection.fileno()

    def write(self, data: memoryview) -> int:
        """Send some."""
        return self._connection.send(data)

    def finish(self) -> None:
        """The end of the process's input; its output still comes."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)


class AttachedOutput:
    """The reading half of an attached socket, as Source and as Receive."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._frames = Frames()
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)

    def fileno(self) -> int:
        """The descriptor."""
        return self._connection.fileno()

    def read(self, size: int = CHUNK) -> bytes | None:
        """What came; b"" at the end, None where it was part of a header."""
        try:
            chunk = self._connection.recv(size)
        except ConnectionResetError:  # the engine's way to end a killed container's stream
            return b""
        return (self._frames.strip(chunk) or None) if chunk else b""

    def receive(self, size: int, timeout: float) -> bytes | None:
        """See `output.Receive`."""
        if not self._poll.poll(timeout * 1000):
            raise TimeoutError("no output in time")
        return self.read(size)

    def finish(self) -> None:
        """Close it."""
        self._connection.close()
