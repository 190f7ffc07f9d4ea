"""The submission compiled once, for all of its tests.

Compiling can take memory and time without end, and crash: so a test's own process does it, within its limits, and the
first that succeeds hands the code on before it runs any of it. Where that does not come about, or not without a
warning, the next test compiles for itself, and tells what is wrong.
"""

import marshal
import os
import warnings
from pathlib import Path
from types import CodeType

_LENGTH = 8
_MOST_BYTES = 16 * 1024 * 1024


def compiled(file: Path, onward: int | None) -> bytes | CodeType:
    """The file's code, which `onward` has been told of and is closed to; its source where that does not compile."""
    source = file.read_bytes()
    if onward is None:
        return source
    with os.fdopen(onward, "wb") as out:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a warning is part of what each test prints
                code = compile(source, str(file), "exec", dont_inherit=True)
            data = marshal.dumps(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, Warning):
            return source
        if len(data) <= _MOST_BYTES:
            out.write(len(data).to_bytes(_LENGTH, "big") + data)
    return code


class Compiled:
    """The zygote's side: `code` is there once a child has handed it on."""

    def __init__(self) -> None:
        self.code: bytes | None = None
        self.pipe: int | None = None
        self._held = bytearray()

    def ask(self) -> int | None:
        """What the next child is to write the code into; None where it is known. The caller closes it."""
        self._close()
        if self.code is not None:
            return None
        self.pipe, onward = os.pipe()
        return onward

    def take(self) -> None:
        """Some of it has come."""
        if self.pipe is None:
            return
        data = os.read(self.pipe, 1 << 16)
        self._held += data
        if data and len(self._held) <= _MOST_BYTES + _LENGTH:
            return
        code = bytes(self._held[_LENGTH:])
        if not data and len(self._held) >= _LENGTH and int.from_bytes(self._held[:_LENGTH], "big") == len(code):
            self.code = code
        self._close()

    def _close(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
        self.pipe = None
        self._held.clear()


def loaded(code: bytes) -> CodeType:
    """What was handed on."""
    found: CodeType = marshal.loads(code)  # noqa: S302 - for the process that runs what it says anyway
    return found
