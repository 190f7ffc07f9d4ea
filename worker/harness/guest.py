"""The guest: holds the student's module and answers calls. Everything here runs on the student's side.

A zygote that has imported numpy waits on the control connection. For each test it forks one child, which connects to
the judge by itself, imports the submission and answers calls until the test ends. So a crash, a hang or a changed
global costs one test, and no state passes to the next. The zygote is process 1 of its sandbox: its children cannot
signal it, and `kill(-1)` from it reaches whatever they started.

Nothing here decides anything: the judge treats every byte from this process as the student's.
"""

import contextlib
import ctypes
import gc
import os
import select
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from worker.harness.child import Child, settle
from worker.harness.compiled import Compiled, compile_into
from worker.harness.frames import receive_frame, send_frame
from worker.harness.orders import receive
from worker.harness.place import Place
from worker.harness.wire import Decoder

CONNECT_SECONDS = 30.0
#: What a guest says once it has imported what it needs.
READY = b"ready\n"
OUTPUT_BYTES = 64 * 1024
_SET_DUMPABLE = 4
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

    def __init__(self, job: dict[str, Any], files: dict[str, bytes]) -> None:
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
        self._compiled = Compiled(self._compile())
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

    def _compile(self) -> int:
        """Have a child compile the submission; where its code will come from."""
        coming, going = os.pipe()
        if os.fork() == 0:
            try:
                self._control.close()
                os.close(coming)
                compile_into(going, self._place.files[self._main], self._place.folder / self._main)
            finally:
                os._exit(0)
        os.close(going)
        return coming

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
        self._child = os.fork()
        if self._child == 0:
            self._become_child(hear, output)
        os.close(output)
        os.close(hear)

    def _become_child(self, hear: int, output: int) -> None:
        """Never returns."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        for end in (self._tell, self._pipe):
            os.close(end or -1)
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        try:
            child = Child(self._place.folder / self._main, self._compiled.code)
            token = os.read(hear, 256).decode()
            os.close(hear)
            if token:
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


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox: it is started ahead, and learns whose guest it is when somebody needs it."""
    for ours in ("harness", "course"):  # imported by now: nothing of it lies where a test could change it for the next
        shutil.rmtree(Path.cwd() / ours, ignore_errors=True)
    # closes the memory of this process, and all else of it below /proc, to its children, which have the same user
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    gc.collect()
    gc.freeze()  # what is imported stays: each child would copy it merely to look through it
    os.write(1, READY)
    order = receive(sys.stdin.buffer)
    if order is not None:  # else the worker needs it no more, or is gone
        Zygote(order.job, order.files).serve()
