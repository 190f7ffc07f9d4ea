"""The zygote of a guest: for each test it forks one child, and ends it with all that it started.

The child connects to the judge by itself, imports the submission and answers calls until the test ends. So a crash, a
hang or a changed global costs one test, and no state passes to the next. The zygote is process 1 of its sandbox: its
children cannot signal it, and `kill(-1)` from it reaches whatever they started.

Nothing here decides anything: the judge treats every byte from this process as the student's.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from worker.harness.child import Child, settle
from worker.harness.compiled import Compiled
from worker.harness.forks import Handlers, take_over
from worker.harness.frames import receive_frame, send_frame
from worker.harness.place import Place
from worker.harness.wire import Decoder

CONNECT_SECONDS = 30.0
OUTPUT_BYTES = 64 * 1024
MIB = 1024 * 1024


def connect(path: str) -> socket.socket:
    """Connect to the judge, which may still be starting."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)  # nothing can be awaited: the directory is read-only here and holds no socket yet
        else:
            return connection


class Zygote:
    """Forks a child per test, collects its output, and clears up after it."""

    def __init__(self, job: dict[str, Any], files: dict[str, bytes], handlers: Handlers) -> None:
        """`handlers`: what libraries want done in the children's own forks."""
        self._handlers = handlers
        self._path: str = job["socket"]
        self._place = Place(Path.cwd() / "submission", files)
        self._main: str = job["main"]
        settle(int(job["memory_mib"]) * MIB)
        self._child: int | None = None
        self._status: int | None = None
        self._output = bytearray()
        self._dropped = 0
        self._pipe: int | None = None
        self._tell: int | None = None
        self._wake, wake = os.pipe()
        for end in (self._wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._control = connect(self._path)
        send_frame(self._control, ["zygote", job["token"]])
        self._compiled = Compiled()
        self._prepare()

    def serve(self) -> None:
        """Answer fork and reap until the judge hangs up."""
        while True:
            watched: list[Any] = [self._control, self._wake]
            watched += [pipe for pipe in (self._pipe, self._compiled.pipe) if pipe is not None]
            ready, _, _ = select.select(watched, [], [])
            if self._wake in ready:
                self._collect()
            if self._pipe is not None and self._pipe in ready:
                self._drain(self._pipe)
            if self._compiled.pipe in ready:
                self._compiled.take()
            if self._control in ready:
                try:
                    order = Decoder(receive_frame(self._control, None)).value()
                except EOFError:
                    return
                self._obey(*order)

    def _obey(self, order: str, *arguments: Any) -> None:
        if order == "fork":
            self._fork(*arguments)
        else:
            self._reap()

    def _collect(self) -> None:
        """Wait for whatever ended, so that a fork bomb's dead do not fill the process table."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)
        self._wait(os.WNOHANG)

    def _wait(self, flags: int) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, flags)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._child:
                self._status = status

    def _drain(self, pipe: int) -> None:
        data = os.read(pipe, 1 << 16)
        if not data:
            os.close(pipe)
            self._pipe = None
        keep = max(0, OUTPUT_BYTES - len(self._output))
        self._output += data[:keep]
        self._dropped += len(data) - len(data[:keep])

    def _fork(self, token: str) -> None:
        """Let the child that waits begin. One that has died meanwhile is nobody's fault: there is another."""
        if self._tell is None or self._status is not None:
            self._place.clear()
            self._prepare()
        if self._tell is not None:
            os.write(self._tell, token.encode())
            os.close(self._tell)
            self._tell = None

    def _prepare(self) -> None:
        """Fork the next test's child, while the judge is busy with something else. It runs nothing of the student's."""
        for end in (self._tell, self._pipe):
            if end is not None:
                os.close(end)
        self._status, self._dropped, self._output = None, 0, bytearray()
        self._place.lay()
        self._pipe, output = os.pipe()
        hear, self._tell = os.pipe()
        onward = self._compiled.ask()
        self._child = os.fork()
        if self._child == 0:
            self._become_child(hear, output, onward)
        for end in (output, hear, onward):
            if end is not None:
                os.close(end)

    def _become_child(self, hear: int, output: int, onward: int | None) -> None:
        """Never returns."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        for end in (self._tell, self._pipe, self._compiled.pipe):
            if end is not None:
                os.close(end)
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        try:
            child = Child(self._place.folder / self._main, self._compiled.code, onward)
            token = os.read(hear, 256).decode()
            os.close(hear)
            if token:
                take_over(self._handlers)
                child.serve(connect(self._path), token)
        finally:
            sys.stdout.flush()
            os._exit(0)

    def _reap(self) -> None:
        """End the test: kill all it started, report how the child ended and what it printed."""
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        elif self._child is not None and self._status is None:
            os.killpg(self._child, signal.SIGKILL)
        self._wait(0)
        while self._compiled.pipe is not None:
            self._compiled.take()  # to its end, since nobody is left to write
        if self._pipe is not None:
            os.set_blocking(self._pipe, False)
        try:
            while self._pipe is not None:
                self._drain(self._pipe)
        except BlockingIOError:
            os.close(self._pipe or -1)
            self._pipe = None
        send_frame(self._control, ["reaped", self._status, bytes(self._output), self._dropped])
        self._child = None
        self._place.clear()
        self._prepare()
