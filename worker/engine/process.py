"""One engine from the worker's side: a process in vLLM's environment that is loaded once and asked many times."""

import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from worker.engine.configuration import Configuration, Prompt
from worker.engine.environment import command, environment
from worker.engine.errors import EngineError

#: Seconds that loading may take: weights come from a disk, and a first import compiles.
LOAD_S = 900.0
_DEATH_S = 10.0
_TAIL_LINES = 30


class EngineProcess:
    """A loaded engine. Close it to give its memory back. One question at a time."""

    def __init__(
        self, python: Path, configuration: Configuration, gpu: str | None = None, home: Path | None = None
    ) -> None:
        """Start loading; `python` is the interpreter of vLLM's environment. `ready` waits until it is done.

        Raises EngineError. See `environment` for `gpu` and `home`.
        """
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._tail: list[str] = []
        self._identity: dict[str, Any] | None = None
        try:
            self._process = subprocess.Popen(
                command(python, "worker.engine.running"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment(python, gpu, home),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"the engine could not be started: {error}") from error
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._hear, self._hear_errors)]
        for thread in self._threads:
            thread.start()
        self._tell(configuration.told())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ready(self, timeout: float = LOAD_S) -> dict[str, Any]:
        """What it is, once it is loaded. Raises EngineError."""
        if self._identity is None:
            self._identity = self._answer(timeout)
        return self._identity

    def run(self, prompts: Sequence[Prompt], batch: int, tokens: int, timeout: float) -> dict[str, Any]:
        """Decode; see `running`. Raises EngineError, also where it takes longer than `timeout` seconds."""
        self.ready()
        self._tell({"prompts": list(prompts), "batch": batch, "tokens": tokens})
        return self._answer(timeout)

    @property
    def alive(self) -> bool:
        """Whether it may be asked again."""
        return self._process.poll() is None

    def close(self) -> None:
        """Kill it; return when it is gone. Safe to call twice."""
        self._process.kill()
        self._process.wait(_DEATH_S)
        for thread in self._threads:
            thread.join(_DEATH_S)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _tell(self, what: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._gone() from None

    def _answer(self, timeout: float) -> dict[str, Any]:
        try:
            line = self._said.get(timeout=timeout)
        except queue.Empty:
            self._process.kill()  # whatever it says later answers a question nobody waits for
            raise EngineError(f"the engine did not answer within {timeout:.0f} s") from None
        if line is None:
            raise self._gone()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _gone(self) -> EngineError:
        code = self._process.wait(_DEATH_S)
        return EngineError("\n".join([f"the engine ended with exit code {code}", *self._tail]))

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(line)
        self._said.put(None)

    def _hear_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._tail = [*self._tail[1 - _TAIL_LINES :], line.rstrip()]
