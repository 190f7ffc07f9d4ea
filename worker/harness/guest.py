"""The guest: holds the student's module and answers calls. Everything here runs on the student's side.

A zygote that has imported numpy waits on the control connection. For each test it forks one child, which connects to
the judge by itself, imports the submission and answers calls until the test ends. So a crash, a hang or a changed
global costs one test, and no state passes to the next. The zygote is process 1 of its sandbox: its children cannot
signal it, and `kill(-1)` from it reaches whatever they started.

Nothing here decides anything: the judge treats every byte from this process as the student's.
"""

import contextlib
import os
import random
import resource
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from labkit.contract import Callee, find_function, from_exception, load_source
from labkit.faults import StudentFault, StudentRaised, WrongType
from labkit.plain import to_plain
from labkit.streams import child_stream

from worker.harness.frames import receive_frame, send_frame
from worker.harness.wire import Decoder, WireError

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
            time.sleep(0.005)  # nothing can be awaited: the directory is read-only here and holds no socket yet
        else:
            return connection


class Zygote:
    """Forks a child per test, collects its output, and clears up after it."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._path: str = job["socket"]
        self._memory = int(job["memory_mib"]) * MIB
        self._folder = Path.cwd() / "submission"
        self._main: str = job["main"]
        self._files = {p.relative_to(self._folder): p.read_bytes() for p in self._folder.rglob("*") if p.is_file()}
        shutil.rmtree(self._folder)
        self._child: int | None = None
        self._status: int | None = None
        self._output = bytearray()
        self._dropped = 0
        self._pipe: int | None = None
        self._wake, wake = os.pipe()
        for end in (self._wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._control = connect(self._path)
        send_frame(self._control, ["zygote", job["token"]])

    def serve(self) -> None:
        """Answer fork and reap until the judge hangs up."""
        while True:
            watched: list[Any] = [self._control, self._wake]
            if self._pipe is not None:
                watched.append(self._pipe)
            ready, _, _ = select.select(watched, [], [])
            if self._wake in ready:
                self._collect()
            if self._pipe is not None and self._pipe in ready:
                self._drain(self._pipe)
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
        self._status, self._dropped, self._output = None, 0, bytearray()
        self._folder.mkdir()
        for name, data in self._files.items():
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(data)
        reading, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            self._become_child(token, writing)
        os.close(writing)
        self._pipe = reading

    def _become_child(self, token: str, output: int) -> None:
        """Never returns."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout = open(1, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115 - a descriptor
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        try:
            Child(connect(self._path), token, self._folder / self._main, self._memory).serve()
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
        for place in (self._folder, *_leftovers(self._folder.parent)):
            shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)


def _leftovers(work: Path) -> list[Path]:
    """What a test's child may have left in writable places."""
    places = [p for p in work.iterdir() if p.name not in ("harness", "course")]
    for shared in (Path("/tmp"), Path("/dev/shm")):
        if os.getpid() == 1 and shared.is_dir():
            places += shared.iterdir()
    return places


class Child:
    """One test's process."""

    def __init__(self, connection: socket.socket, token: str, file: Path, memory: int) -> None:
        self._connection = connection
        self._file = file
        self._module: ModuleType | None = None
        send_frame(connection, ["child", token])
        os.chdir(file.parent)
        sys.path.insert(0, str(file.parent))
        np.random.seed(0)  # numpy's global state would otherwise be the zygote's in every test
        random.seed(0)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = size + memory if hard == resource.RLIM_INFINITY else min(size + memory, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))

    def serve(self) -> None:
        """Answer calls until the judge hangs up."""
        while True:
            try:
                frame = receive_frame(self._connection, None)
            except EOFError:
                return
            order = Decoder(frame, handle=self._callback, stream=_Streams()).value()
            self._answer(self._call(*order[1:]))

    def _call(self, name: str, calls: list[Any]) -> list[Any]:
        try:
            callee = Callee(name, find_function(self._load(), name))
            return ["values", [callee.run(args, kwargs) for args, kwargs in calls]]
        except StudentFault as fault:
            return _describe(fault)
        except KeyboardInterrupt as interrupt:  # nobody is at this keyboard: the submission raised it
            return _describe(from_exception(interrupt, name))

    def _load(self) -> ModuleType:
        if self._module is None:
            self._module = load_source(self._file.read_bytes(), self._file)
        return self._module

    def _answer(self, message: list[Any]) -> None:
        try:
            send_frame(self._connection, message)
        except WireError as problem:
            send_frame(self._connection, _describe(WrongType(f"your function returned too much: {problem}")))

    def _callback(self, number: int) -> Callable[..., Any]:
        """The judge's callable `number`, as the student's code sees it."""

        def call(*args: Any) -> Any:
            send_frame(self._connection, ["callback", number, [to_plain(a) for a in args]])
            kind, *rest = Decoder(receive_frame(self._connection, None)).value()
            if kind == "value":
                return rest[0]
            raise {"TypeError": TypeError, "ValueError": ValueError}.get(rest[0], RuntimeError)(rest[1])

        return call


class _Streams:
    """One generator per number: calls of a batch that share a generator go on where the last one stopped."""

    def __init__(self) -> None:
        self._known: dict[int, np.random.Generator] = {}

    def __call__(self, number: int, seed: int) -> np.random.Generator:
        return self._known.setdefault(number, child_stream(seed))


def _describe(fault: StudentFault) -> list[Any]:
    name = "StudentRaised" if isinstance(fault, StudentRaised) else type(fault).__name__
    if isinstance(fault, StudentRaised):
        return ["fault", name, fault.type_name, fault.message, fault.where, fault.function]
    return ["fault", name, fault.sentence, fault.advice, "", fault.function]


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox."""
    Zygote(job).serve()
