"""A second pair of eyes: clears up after this process when it is gone, however it went.

What a killed worker leaves (containers, volumes, groups, folders) is removed by the next cell anywhere on the host.
There may be none for long. So with its first cell each process gets a watcher: a shell that holds one end of a pipe
and waits. The other end is ours, and the kernel closes it for the dead. Then the shell becomes `reaper`.
"""

import atexit
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# A session of its own and deaf to what stops a worker, for which it waits: it goes when the pipe says so. `told`
# collects the words from the pipe.
_WAIT = 'trap \'\' TERM INT HUP QUIT; told=; while read -r word; do told="$told $word"; done; exec "$@" $told'
_BECOME = "import sys; sys.path.insert(0, sys.argv[1]); import worker.sandbox.reaper as it; it.main(sys.argv[2:])"

ENGINE = "engine"
BYE = "bye"


class _Watcher:
    """The one of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._pipe: int | None = None
        self._told: set[str] = set()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self._say_bye)

    def tell(self, *words: str) -> None:
        """See that it lives, and that it knows these words."""
        with self._lock:
            if self._pid is None or self._ended(self._pid):
                self._start()
                self._told.clear()
            for word in words:
                if word not in self._told and self._pipe is not None:
                    with suppress(BrokenPipeError):
                        os.write(self._pipe, f"{word}\n".encode())
                        self._told.add(word)

    def _start(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        theirs, ours = os.pipe()
        words = ["sh", "-c", _WAIT, "sh", sys.executable, "-s", "-P", "-c", _BECOME, str(_ROOT), str(os.getpid())]
        quiet = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_WRONLY, 0) for number in (1, 2)]
        try:
            actions = [(os.POSIX_SPAWN_DUP2, theirs, 0), *quiet]
            self._pid = os.posix_spawn("/bin/sh", words, _environment(), file_actions=actions, setsid=True)
            self._pipe = ours
        except (OSError, NotImplementedError):  # no shell, no process free: the next cell tries again, and clears up
            os.close(ours)
        finally:
            os.close(theirs)

    def _ended(self, pid: int) -> bool:
        try:
            return os.waitpid(pid, os.WNOHANG) != (0, 0)
        except ChildProcessError:
            return True

    def _forget(self) -> None:
        """A fork is a worker of its own; its parent's pipe must end with its parent."""
        self._lock = threading.Lock()
        if self._pipe is not None:
            os.close(self._pipe)
        self._pid = self._pipe = None
        self._told.clear()

    def _say_bye(self) -> None:
        """The end as it should be: one look is enough."""
        if self._pipe is not None:
            self.tell(BYE)


def _environment() -> dict[str, str]:
    """Where things are, and where the engine is; nothing secret."""
    kept = ("PATH", "TMPDIR", "HOME", "LANG", "DOCKER_HOST")
    return {name: os.environ[name] for name in kept if name in os.environ}


_watcher = _Watcher()


def begin(engine: bool = False) -> None:
    """Have this process watched from now on; `engine`: it keeps things in the Docker engine. Cheap to repeat."""
    _watcher.tell(*([ENGINE] if engine else []))
