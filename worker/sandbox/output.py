"""Reading a stranger's output: lines within bounds and before a deadline, and the last words of standard error."""

import os
import select
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Protocol

from worker.limits import Limits
from worker.sandbox import OutputTooLarge

CHUNK = 64 * 1024
TAIL = 8 * 1024

Receive = Callable[[int, float], bytes | None]
"""(most bytes, seconds) -> what came, b"" at the end, None for "something came, none of it output".

Raises TimeoutError.
"""


class LineReader:
    """Lines out of a stream of which at most `line_bytes` are ever held and `output_bytes` ever read.

    Past either bound the process is ended by `on_excess` and every further call raises OutputTooLarge.
    """

    def __init__(self, receive: Receive, limits: Limits, on_excess: Callable[[], None]) -> None:
        self._receive = receive
        self._limits = limits
        self._on_excess = on_excess
        self._held = bytearray()
        self._searched = 0
        self._total = 0
        self._ended = False
        self._excess = ""
        self.lock = threading.Lock()

    def read_line(self, timeout: float) -> bytes | None:
        """The next line without its newline; None at the end. Raises TimeoutError, which loses nothing."""
        deadline = time.monotonic() + timeout
        with self.lock:
            while True:
                if self._excess:
                    raise OutputTooLarge(self._excess)
                line = self._take()
                if line is not None:
                    return line
                if self._ended:
                    return None
                self._fill(max(0.0, deadline - time.monotonic()))

    def _take(self) -> bytes | None:
        end = self._held.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._held)
            if not self._ended or not self._held:
                return None
            end = len(self._held)
        line = bytes(memoryview(self._held)[:end])
        del self._held[: end + 1]
        self._searched = 0
        return line

    def _fill(self, timeout: float) -> None:
        limits = self._limits
        # one byte more than is allowed is asked for, so that "exactly full" and "too much" differ
        room = min(CHUNK, limits.line_bytes - len(self._held) + 1, limits.output_bytes - self._total + 1)
        chunk = self._receive(room, timeout)
        if chunk is None:
            return
        self._ended = not chunk
        self._total += len(chunk)
        self._held += chunk
        if self._total > limits.output_bytes:
            self._refuse(f"more than {limits.output_bytes} bytes of output")
        elif len(self._held) > limits.line_bytes and b"\n" not in chunk:
            self._refuse(f"a line of more than {limits.line_bytes} bytes")

    def _refuse(self, what: str) -> None:
        self._excess = f"the process wrote {what} and was stopped"
        self._held.clear()
        self._on_excess()


def receive_from(fd: int) -> Receive:
    """Receive from a pipe's descriptor."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)

    def receive(size: int, timeout: float) -> bytes:
        if not poll.poll(timeout * 1000):
            raise TimeoutError("no output in time")
        return os.read(fd, size)

    return receive


class Sink(Protocol):
    """Where a process's input goes; never blocks."""

    def fileno(self) -> int:
        """The descriptor to wait on."""
        ...

    def write(self, data: memoryview) -> int:
        """Write some of it. Raises BlockingIOError, or another OSError where nobody reads any more."""
        ...

    def finish(self) -> None:
        """Tell the reader that this was all."""
        ...


class Source(Protocol):
    """Where a process's standard error comes from; never blocks."""

    def fileno(self) -> int:
        """The descriptor to wait on."""
        ...

    def read(self) -> bytes | None:
        """What came; b"" at the end, None for nothing yet."""
        ...

    def finish(self) -> None:
        """Close it."""
        ...


class Pump:
    """One background thread per process: feeds its input, keeps the tail of its standard error.

    With `more` the input stays open for what `feed` gives. It ends when the process has closed its standard error,
    which a kill does at once, and has taken its input or is not to get any more.
    """

    def __init__(self, data: bytes, sink: Sink, source: Source, *, more: bool = False) -> None:
        self._left = memoryview(data)
        self._later: deque[bytes] = deque()
        self._sink = sink
        self._source = source
        self._tail = bytearray()
        self._lock = threading.Lock()
        self._last = not more
        self._bell = os.pipe() if more else None
        self._thread = threading.Thread(target=self._run, name="sandbox-pump", daemon=True)
        self._thread.start()

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Write this after what was given before; nothing more can follow a `last`. Never blocks."""
        with self._lock:
            if self._last:
                return
            self._later.append(data)
            self._last = last
            if self._bell is not None:
                os.write(self._bell[1], b"!")

    def tail(self) -> str:
        """The last few KiB of standard error, so far."""
        return bytes(self._tail).decode("utf-8", errors="replace")

    def join(self, timeout: float) -> None:
        """End the input, and wait for the end of all, at most `timeout` seconds."""
        self.feed(b"", last=True)
        self._thread.join(timeout)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._source.fileno(), selectors.EVENT_READ, self._keep)
            if self._bell is not None:
                selector.register(self._bell[0], selectors.EVENT_READ, self._heard)
            reading, feeding, watched = True, True, False
            while reading or feeding:
                if feeding:
                    feeding, watched = self._attend(selector, watched)
                for key, _ in selector.select() if reading or feeding else ():
                    if key.data():
                        continue
                    selector.unregister(key.fd)
                    if key.data == self._feed:
                        feeding = watched = False
                        self._sink.finish()
                    else:
                        reading = False
                        self._source.finish()
        self._hang_up()

    def _attend(self, selector: selectors.BaseSelector, watched: bool) -> tuple[bool, bool]:
        """Watch the input exactly while there is something to write: whether any may still come, and is watched for."""
        with self._lock:
            while not self._left and self._later:
                self._left = memoryview(self._later.popleft())
            done = not self._left and self._last
        if self._left and not watched:
            selector.register(self._sink.fileno(), selectors.EVENT_WRITE, self._feed)
        elif watched and not self._left:
            selector.unregister(self._sink.fileno())
        if done:
            self._sink.finish()
        return not done, bool(self._left)

    def _heard(self) -> bool:
        """Whether to go on listening: always."""
        if self._bell is not None:
            os.read(self._bell[0], 4096)
        return True

    def _hang_up(self) -> None:
        with self._lock:
            self._last = True
            self._later.clear()
            for end in self._bell or ():
                os.close(end)
            self._bell = None

    def _feed(self) -> bool:
        """Whether it can go on; not where nobody reads."""
        try:
            self._left = self._left[self._sink.write(self._left[:CHUNK]) :]
        except BlockingIOError:
            return True
        except OSError:  # it ended without reading its input, which is its right
            return False
        return True

    def _keep(self) -> bool:
        """Whether more may come."""
        try:
            chunk = self._source.read()
        except BlockingIOError:
            return True
        except OSError:
            return False
        if chunk is None:
            return True
        self._tail += chunk
        del self._tail[:-TAIL]
        return bool(chunk)


class PipeEnd:
    """A pipe's end as Sink or Source."""

    def __init__(self, file: IO[bytes]) -> None:
        os.set_blocking(file.fileno(), False)
        self._file = file

    def fileno(self) -> int:
        """The descriptor."""
        return self._file.fileno()

    def write(self, data: memoryview) -> int:
        """Write some."""
        return os.write(self._file.fileno(), data)

    def read(self) -> bytes | None:
        """Read some."""
        return os.read(self._file.fileno(), CHUNK)

    def finish(self) -> None:
        """Close it."""
        self._file.close()
