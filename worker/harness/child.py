"""The process of one test on the guest's side: it imports the submission and answers calls until the test ends."""

import builtins
import os
import random
import resource
import socket
import sys
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from labkit.contract import Callee, find_function, from_exception, load_source
from labkit.faults import KEPT, StudentFault, StudentRaised, WrongType
from labkit.plain import to_plain
from labkit.streams import child_stream

from worker.harness.arguments import given
from worker.harness.compiled import compiled, loaded
from worker.harness.frames import frame, receive_only_frame, send_frame
from worker.harness.wire import MAX_CALLBACK_BYTES, Decoder, WireError

#: What a function of the tests may raise in a submission that called it.
_RAISED = {name: getattr(builtins, name) for name in KEPT}


def bound(memory: int) -> None:
    """From here on this process may take `memory` more bytes than it has."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = size + memory if hard == resource.RLIM_INFINITY else min(size + memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def settle(memory: int) -> None:
    """What all children begin with that a zygote forks from here on: in each of them it would cost page after page."""
    np.random.seed(0)  # else numpy would be in the state that importing it left
    random.seed(0)
    sys.stdout = open(1, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115 - a descriptor
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
    bound(memory)


class Child:
    """One test's process, forked by one that has settled.

    `code`: what the submission was compiled to, where a test before has done that; else it goes `onward`, a descriptor.
    """

    def __init__(self, file: Path, code: bytes | None, onward: int | None = None) -> None:
        self._file = file
        self._code = code
        self._onward = onward
        self._module: ModuleType | None = None
        os.chdir(file.parent)
        sys.path.insert(0, str(file.parent))  # not before: the zygote imports nothing from there

    def serve(self, connection: socket.socket, token: str) -> None:
        """Answer calls until the judge hangs up."""
        self._connection = connection
        send_frame(connection, ["child", token])
        while True:
            try:
                frame = receive_only_frame(connection, None)
            except EOFError:
                return
            order = Decoder(frame, handle=self._callback, stream=child_stream).value()
            self._answer(self._call(*order[1:]))

    def _call(self, name: str, values: list[Any], places: list[list[int]], names: list[list[str]]) -> list[Any]:
        try:
            callee = Callee(name, find_function(self._load(), name))
            calls = zip(places, names or repeat([]), strict=False)
            return ["values", [callee.run(*given(values, *call)) for call in calls]]
        except StudentFault as fault:
            return _describe(fault)
        except KeyboardInterrupt as interrupt:  # nobody is at this keyboard: the submission raised it
            return _describe(from_exception(interrupt, name))

    def _load(self) -> ModuleType:
        if self._module is None:
            onward, self._onward = self._onward, None  # used once: a file that does not import is loaded again
            code = compiled(self._file, onward) if self._code is None else loaded(self._code)
            self._module = load_source(code, self._file)
        return self._module

    def _answer(self, message: list[Any]) -> None:
        try:
            send_frame(self._connection, message)
        except WireError as problem:
            send_frame(self._connection, _describe(WrongType(f"your function returned too much: {problem}")))

    def _callback(self, number: int) -> Callable[..., Any]:
        """The judge's callable `number`, as the student's code sees it."""

        def call(*args: Any) -> Any:
            request = frame(["callback", number, [to_plain(a) for a in args]])
            if len(request) > MAX_CALLBACK_BYTES:
                raise ValueError(f"{len(request):,} bytes of arguments are too much for a function of the tests")
            self._connection.sendall(request)
            kind, *rest = Decoder(receive_only_frame(self._connection, None)).value()
            if kind == "value":
                return rest[0]
            raise _RAISED.get(rest[0], RuntimeError)(rest[1])

        return call


def _describe(fault: StudentFault) -> list[Any]:
    name = "StudentRaised" if isinstance(fault, StudentRaised) else type(fault).__name__
    if isinstance(fault, StudentRaised):
        return ["fault", name, fault.type_name, fault.message, fault.where, fault.function]
    return ["fault", name, fault.sentence, fault.advice, "", fault.function]
