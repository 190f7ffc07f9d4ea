"""What a spec hands to the guest: plain values go as copies, random generators and callables by number.

A callable is lent for one call. Its number is never given again within a test: a submission that keeps it finds out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from labkit.contract import NOT_LENT
from labkit.faults import KEPT, OverBudget
from labkit.plain import to_plain
from labkit.streams import child_seed

from worker.harness.frames import frame
from worker.harness.wire import Handle, Stream, WireError

Calls = Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]


class Lent:
    """The callables of a test's calls, and the seeds of its generators."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[int, Stream] = {}
        self._callables: dict[int, Callable[..., Any]] = {}
        self._next = 0

    def order(self, function: str, calls: Calls) -> bytes:
        """The frame that asks for these calls; what earlier ones lent is taken back.

        Raises ValueError for arguments that cannot cross: the spec's fault.
        """
        self._streams = {}
        self._callables = {}
        asked = [[[self._plain(a) for a in args], {k: self._plain(v) for k, v in kw.items()}] for args, kw in calls]
        try:
            return frame(["call", function, asked])
        except WireError as problem:
            raise ValueError(f"the spec's arguments of {function}() are too much for one message: {problem}") from None

    def _plain(self, value: Any) -> Any:
        if isinstance(value, np.random.Generator):
            if id(value) not in self._streams:
                self._streams[id(value)] = Stream(child_seed(value, self._seed), len(self._streams))
            return self._streams[id(value)]
        if callable(value):
            self._callables[self._next] = value
            self._next += 1
            return Handle(self._next - 1)
        return to_plain(value)

    def call(self, number: int, arguments: list[Any]) -> bytes:
        """The frame that answers a call back. Its arguments are the student's: whatever is raised goes back to them.

        Raises WireError for a number never given, OverBudget.
        """
        if not 0 <= number < self._next:
            raise WireError("a call back to nothing")
        if number not in self._callables:
            return frame(["error", "RuntimeError", NOT_LENT])
        try:
            return frame(["value", to_plain(self._callables[number](*arguments))])
        except OverBudget:
            raise
        except WireError as problem:
            return frame(["error", "ValueError", f"the answer cannot cross: {problem}"])
        except Exception as error:  # noqa: BLE001 - the spec's callable, called with anything at all
            kind = next((k.__name__ for k in type(error).__mro__ if k.__name__ in KEPT), "RuntimeError")
            return frame(["error", kind, str(error)[:300]])
