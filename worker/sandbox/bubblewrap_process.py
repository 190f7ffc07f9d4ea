"""One process under bubblewrap, from the outside: started so that it cannot outlive us, killed so that nothing stays.

The sandboxed program is process 1 of its process table. When it dies the kernel kills the whole table and lets
bubblewrap go only after the last one is gone: so bubblewrap's own end, which we wait for, says that nothing is left.
"""

import array
import os
import re
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from worker.limits import Limits
from worker.sandbox import Exit, Role, SandboxError, seccomp, view
from worker.sandbox.cgroup import Group
from worker.sandbox.inside import exit_code
from worker.sandbox.output import LineReader, PipeEnd, Pump, receive_from

_SET_UP_SECONDS = 10.0
_DEATH_SECONDS = 10.0
# the reports are JSON, but written piece by piece
_CHILD = re.compile(rb'"child-pid": (\d+)[\s,}]')
# Runs once our death means its own: goes no further where we died before that. Enters the groups named before the
# `--`, then becomes the command after it.
_ENTER = """
[ "$PPID" = "$1" ] || exit 121
shift
while [ "$1" != -- ]; do
    echo 0 >"$1" || exit 120
    shift
done
shift
exec "$@"
"""


@dataclass(frozen=True)
class Launch:
    """What to start: bwrap with what goes around it, its arguments, and the group to do it in.

    `sealed`: bwrap is process 1 of a table of its own, so killing it kills all there is.
    """

    bwrap: tuple[str, ...]
    arguments: tuple[str, ...]
    group: Group | None
    sealed: bool
    role: Role

    def words(self, start: int, end: int, calls: int | None) -> list[str]:
        """The command line: bwrap reports its start and its end on these and reads its system-call filter from `calls`.

        It dies where it cannot report its start: so it goes no further where we died while it came to be.
        """
        given = ["--info-fd", str(start), "--json-status-fd", str(end)]
        given += ["--seccomp", str(calls)] if calls is not None else []
        bound = [view.tool("setpriv"), "--pdeathsig=KILL", "/bin/sh", "-c", _ENTER, "sh", str(os.getpid())]
        groups = self.group.entrances() if self.group else []
        return [*bound, *groups, "--", *self.bwrap, *given, *self.arguments]


class _Spawner:
    """The one thread that starts processes: the parent-death signal is bound to the thread, not to the process."""

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-spawner")

    def start(self, words: Sequence[str], keep: Sequence[int], core: int | None) -> "subprocess.Popen[bytes]":
        return self._threads.submit(_popen, words, keep, core).result()


def _popen(words: Sequence[str], keep: Sequence[int], core: int | None) -> "subprocess.Popen[bytes]":
    """Bound to `core`, if this thread may use it: which cores those are is a thread's own, and its children's."""
    ours = os.sched_getaffinity(0)
    try:
        if core in ours:
            os.sched_setaffinity(0, {core})
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={},
            cwd="/",
            pass_fds=keep,
            start_new_session=True,  # the worker's Ctrl-C is the worker's
        )
    finally:
        os.sched_setaffinity(0, ours)


_spawner = _Spawner()


class BubblewrapProcess:
    """Satisfies `Running`."""

    def __init__(
        self, launch: Launch, stdin: bytes, limits: Limits, release: Callable[[], None], *, more: bool = False
    ) -> None:
        """Start it; `release` is called once, when all has ended. Raises SandboxError."""
        self._group = launch.group
        self._release = release
        self._exit: Exit | None = None
        self._killed = False
        self._lock = threading.Lock()
        self._status, self._launched, self._end = _launch(launch, limits.core, release)
        self._victim: int | None = None
        self.closed = False
        assert self._launched.stdin and self._launched.stdout and self._launched.stderr
        self._stdout = self._launched.stdout
        self._pump = Pump(stdin, PipeEnd(self._launched.stdin), PipeEnd(self._launched.stderr), more=more)
        self._reader = LineReader(receive_from(self._stdout.fileno()), limits, self.kill)
        self._report = b""
        self._learn_victim(launch.sealed)

    def read_line(self, timeout: float) -> bytes | None:
        """See `Running`."""
        return self._reader.read_line(timeout)

    def stderr_tail(self) -> str:
        """See `Running`."""
        return self._pump.tail()

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """See `Running`."""
        self._pump.feed(data, last=last)

    def wait(self, timeout: float) -> Exit:
        """See `Running`. A code of None: the program was never reached, `stderr_tail` says why."""
        if self._exit is None and not _ready(self._end, timeout):
            raise TimeoutError("the sandboxed process is still running")
        return self._settle()

    def kill(self) -> None:
        """See `Running`."""
        if self._exit is not None:
            return
        self._killed = True
        if self._victim is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._victim, signal.SIGKILL)
        if self._victim is None or not _ready(self._end, _DEATH_SECONDS):
            self._launched.kill()
        self._settle()

    def close(self) -> None:
        """See `Running`."""
        self.kill()
        self._pump.join(_DEATH_SECONDS)
        with self._reader.lock, self._lock:
            self._stdout.close()
            self._status.close()
            for handle in (self._victim, self._end):
                if handle is not None and handle >= 0:
                    os.close(handle)
            self._victim, self._end = None, -1
            self.closed = True

    def _settle(self) -> Exit:
        """It has ended or is about to: learn how, and clear up. Once."""
        with self._lock:
            if self._exit is None:
                status = exit_code(self._launched.wait())
                self._status.setblocking(False)
                with suppress(BlockingIOError):
                    self._report += self._status.recv(4096)
                reached = b"exit-code" in self._report
                memory = self._group.out_of_memory() if self._group else False
                self._release()
                self._exit = Exit(status if reached else -signal.SIGKILL if self._killed else None, memory)
            return self._exit

    def _learn_victim(self, sealed: bool) -> None:
        """Which process to kill so that all die: bwrap itself where it is a process 1, else the process 1 inside.

        A sealed bwrap knows only the numbers of its own table; who wrote the report, the kernel tells in ours.
        """
        room = socket.CMSG_SPACE(array.array("i", [0, 0, 0]).itemsize * 3)
        while _ready(self._status.fileno(), _SET_UP_SECONDS):
            chunk, notes, _, _ = self._status.recvmsg(4096, room)
            self._report += chunk
            if not chunk:
                break
            found = _CHILD.search(self._report)
            if found:
                writer = array.array("i", notes[0][2])[0]
                with suppress(ProcessLookupError):
                    self._victim = os.pidfd_open(writer if sealed else int(found[1]))
                return
        self._launched.kill()
        self.close()
        reason = self.stderr_tail().strip() or "it said nothing"
        raise SandboxError(f"bubblewrap could not make a sandbox: {reason}", "grader doctor")


def _launch(
    launch: Launch, core: int | None, release: Callable[[], None]
) -> tuple[socket.socket, "subprocess.Popen[bytes]", int]:
    """Where bwrap reports, each line with its writer's process number; what was started; a handle on its end."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    also_theirs = theirs.dup()
    calls = seccomp.open_program(launch.role)
    keep = [theirs.fileno(), also_theirs.fileno(), *([calls] if calls is not None else [])]
    try:
        launched = _spawner.start(launch.words(theirs.fileno(), also_theirs.fileno(), calls), keep, core)
        return ours, launched, _handle(launched)
    except OSError as error:
        ours.close()
        release()
        raise SandboxError(f"bubblewrap could not be started: {error}", "grader doctor") from error
    finally:
        theirs.close()
        also_theirs.close()
        if calls is not None:
            os.close(calls)


def _handle(launched: "subprocess.Popen[bytes]") -> int:
    try:
        return os.pidfd_open(launched.pid)
    except OSError:
        launched.kill()
        launched.communicate()
        raise


def _ready(handle: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(timeout * 1000))
