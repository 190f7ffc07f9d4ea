"""The submission compiled once, for all of its tests, by a process that runs none of it.

Compiling can take memory and time without end, and crash: so a child of the zygote does it, within the submission's
own limits, and nobody waits for it. Where it does not come about, or not without a warning, each test compiles for
itself, and tells what is wrong.
"""

import marshal
import os
import warnings
from contextlib import suppress
from pathlib import Path
from types import CodeType

_LENGTH = 8
_MOST_BYTES = 16 * 1024 * 1024


def compile_into(pipe: int, source: bytes, path: Path) -> None:
    """The child's work: the code, with its length before it."""
    warnings.simplefilter("error")  # a warning is part of what each test prints
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, Warning):
        code = marshal.dumps(compile(source, str(path), "exec", dont_inherit=True))
        if len(code) <= _MOST_BYTES:
            with open(pipe, "wb") as out:
                out.write(len(code).to_bytes(_LENGTH, "big") + code)


class Compiled:
    """What comes out of the child's end of the pipe. `bytes` is the code once all of it is there."""

    def __init__(self, pipe: int) -> None:
        self.pipe: int | None = pipe
        self.code: bytes | None = None
        self._held = bytearray()

    def take(self) -> None:
        """Some of it has come."""
        if self.pipe is None:
            return
        data = os.read(self.pipe, 1 << 16)
        self._held += data
        if data and len(self._held) <= _MOST_BYTES + _LENGTH:
            return
        os.close(self.pipe)
        self.pipe = None
        code = bytes(self._held[_LENGTH:])
        if not data and len(self._held) >= _LENGTH and int.from_bytes(self._held[:_LENGTH], "big") == len(code):
            self.code = code


def source_of(code: bytes | None, file: Path) -> bytes | CodeType:
    """What there is to load: the compiled code, or the file."""
    if code is None:
        return file.read_bytes()
    loaded: CodeType = marshal.loads(code)  # noqa: S302 - for the process that runs what it says anyway
    return loaded
