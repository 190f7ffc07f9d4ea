"""The sandbox's edge: one Protocol, one file per kind. A kind is a place to start a process that can hurt nobody.

The code to run does not live in the sandbox: it arrives on standard input as a bundle (`worker.bundle`), so an
image holds an interpreter and libraries and never goes stale, and nothing of the host's file system is needed.

Inside, both kinds look the same:
    /work      private, writable, bounded, no-exec; the working directory; gone with the process
    /channel   shared by the processes of one cell and nobody else; writable for the judge, read-only for the guest;
               nobody can list it, so a name in it is known to those who were told
    everything else read-only; no network; a process table of its own; no capability; no new privileges
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from worker.limits import Limits


class Role(StrEnum):
    """Who runs in a sandboxed process. It decides the user, the libraries and the rights on /channel."""

    JUDGE = "judge"
    GUEST = "guest"
    #: A spec and a submission in one process: a judge's libraries, a guest's rights.
    JOINED = "joined"


@dataclass(frozen=True)
class Probe:
    """Whether a sandbox works on this machine; if not, why, and the command or setting that mends it."""

    name: str
    works: bool
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class Exit:
    """How a sandboxed process ended. `code` is negative for a signal, None where it was never learnt."""

    code: int | None
    out_of_memory: bool = False


class SandboxError(Exception):
    """The sandbox itself failed: the operator's fault or ours, never the student's."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class OutputTooLarge(Exception):
    """A process wrote more than its limits allow and was killed for it."""


class Running(Protocol):
    """One sandboxed process, from the outside."""

    def read_line(self, timeout: float) -> bytes | None:
        """Next line of its standard output without the newline; None at the end of the output.

        Raises TimeoutError after `timeout` seconds and OutputTooLarge past the limits; neither leaves a half-read
        line behind.
        """
        ...

    def stderr_tail(self) -> str:
        """The last few KiB of its standard error, for the operator's eyes."""
        ...

    def kill(self) -> None:
        """Kill it and everything it started; return when they are gone. Safe to call twice."""
        ...

    def wait(self, timeout: float) -> Exit:
        """How it ended. Raises TimeoutError."""
        ...

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """More input, written in the background after what came before; `last` ends the input.

        Only for a process started with `more`. Nothing happens where it has ended or its input has.
        """
        ...

    def close(self) -> None:
        """Kill it and give back all that it held on the host; its cell forgets it. Safe to call twice."""
        ...


class Cell(Protocol):
    """A place of one job, or of one lab's jobs: the processes started in it share /channel and end with it.

    Safe to use from many threads.
    """

    def start(self, role: Role, argv: Sequence[str], stdin: bytes, limits: Limits, *, more: bool = False) -> Running:
        """Start `argv` (its first word `python` is the sandbox's interpreter) with `stdin` as its whole input.

        With `more` the input stays open for `Running.feed`. Returns at once; the input is written in the background.
        Raises SandboxError.
        """
        ...


class Sandbox(Protocol):
    """A kind of sandbox."""

    @property
    def name(self) -> str:
        """What reports and settings call it."""
        ...

    def probe(self) -> Probe:
        """Try it for real, in well under a second where it is healthy. Never raises."""
        ...

    def cell(self) -> AbstractContextManager[Cell]:
        """A fresh cell. Leaving the context kills what runs in it and leaves no process, mount, cgroup or file."""
        ...
