"""One container, from the outside: attached before it starts, removed by its id."""

import threading
import time
from contextlib import closing, suppress
from signal import SIGKILL
from socket import SHUT_RDWR, socket

import docker
import docker.errors

from worker.limits import Limits
from worker.sandbox import Exit, SandboxError
from worker.sandbox.attach import AttachedInput, AttachedOutput
from worker.sandbox.engine import blamed
from worker.sandbox.inside import exit_code
from worker.sandbox.output import LineReader, Pump

_DEATH_SECONDS = 10.0


class DockerProcess:
    """Satisfies `Running`."""

    def __init__(
        self, api: docker.APIClient, container: str, stdin: bytes, limits: Limits, *, more: bool = False
    ) -> None:
        """Start the created `container`. Raises docker's errors; the container is then still the caller's."""
        self._api = api
        self._container = container
        self._limits = limits
        self._began = time.monotonic()
        self._exit: Exit | None = None
        self._removed = False
        self.closed = False
        self._lock = threading.Lock()
        # standard error has a stream of its own, so that whoever reads lines never waits behind it
        self._main = _attach(api, container, {"stdin": 1, "stdout": 1, "stream": 1})
        errors = _attach(api, container, {"stderr": 1, "stream": 1})
        try:
            api.start(container)
        except docker.errors.DockerException:
            self._main.close()
            errors.close()
            raise
        self._reader = LineReader(AttachedOutput(self._main).receive, limits, self.kill)
        self._pump = Pump(stdin, AttachedInput(self._main), AttachedOutput(errors), more=more)

    def read_line(self, timeout: float) -> bytes | None:
        """See `Running`."""
        return self._reader.read_line(timeout)

    def stderr_tail(self) -> str:
        """See `Running`."""
        return self._pump.tail()

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """See `Running`. What it may have used of its CPU time counts from here: before, it waited."""
        self._began = time.monotonic()
        self._pump.feed(data, last=last)

    def wait(self, timeout: float) -> Exit:
        """See `Running`."""
        deadline = time.monotonic() + timeout
        if self._exit is None:
            try:
                self._api.wait(self._container, timeout=timeout)
            except docker.errors.NotFound:
                pass  # killed meanwhile: `kill` has kept how it ended
            except OSError as error:  # what the client raises for a time-out, and for a lost engine
                if time.monotonic() < deadline:
                    raise SandboxError(f"the Docker engine was lost: {error}", "check `docker info`") from error
                raise TimeoutError("the sandboxed process is still running") from None
        with self._lock, blamed("how the container ended could not be learnt"):
            return self._learn(by_us=False)

    def kill(self) -> None:
        """See `Running`."""
        with self._lock, blamed("the container could not be killed; the next cell will try again"):
            if self._removed:
                return
            # the engine waits for whoever reads its output before it lets a dead container end
            with suppress(OSError):
                self._main.shutdown(SHUT_RDWR)
            with suppress(docker.errors.APIError):  # it is not running any more
                self._api.kill(self._container)
            self._learn(by_us=True)
            with suppress(docker.errors.NotFound):
                self._api.remove_container(self._container, force=True, v=True)
            self._removed = True

    def close(self) -> None:
        """See `Running`."""
        self.kill()
        self._pump.join(_DEATH_SECONDS)
        with self._reader.lock:
            self._main.close()
        self.closed = True

    def _learn(self, by_us: bool) -> Exit:
        if self._exit is None:
            try:
                state = self._api.inspect_container(self._container)["State"]
            except docker.errors.NotFound:
                self._exit = Exit(None)
            else:
                code = exit_code(int(state["ExitCode"]))
                memory = bool(state["OOMKilled"]) or (code == -SIGKILL and not by_us and self._was_memory())
                self._exit = Exit(code, memory)
        return self._exit

    def _was_memory(self) -> bool:
        """Whether a SIGKILL not of our making was for want of memory.

        The engine hears of that and of the end on two paths, and where the end comes first never says it. What else
        kills is the CPU bound, and a person or the engine itself, of which there is an event.
        """
        if (time.monotonic() - self._began) * self._limits.cpus >= self._limits.cpu_seconds:
            return False
        now = f"{time.time():.6f}"
        kills = {"container": self._container, "event": "kill"}
        with closing(self._api.events(since=0, until=now, filters=kills, decode=True)) as events:
            return next(iter(events), None) is None


def _attach(api: docker.APIClient, container: str, streams: dict[str, int]) -> socket:
    """A socket of our own on the engine's stream: the client's wrapper around it is let go."""
    stream = api.attach_socket(container, params=streams)
    ours = socket(fileno=_duplicate(stream.fileno()))
    stream._response.close()
    stream.close()
    return ours


def _duplicate(descriptor: int) -> int:
    with socket(fileno=descriptor) as borrowed:
        copy = borrowed.dup()
        borrowed.detach()
    return copy.detach()
