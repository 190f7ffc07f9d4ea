"""What a spec hands to the guest: plain values go as copies, random generators and callables by number.

A test of a law asks the same question thousands of times. So an order holds each of its values once, and for each call
their places in it; whoever is called gets copies of their own.

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
        self._callables: dict[int, Callable[..., Any]] = {}
        self._next = 0

    def order(self, function: str, calls: Calls) -> bytes:
        """The frame that asks for these calls; what earlier ones lent is taken back.

        It is ["call", function, values, places of each call's arguments, names of those that go by name]: names are
        the last ones', one list for each call, and none at all where no call has any.
        Raises ValueError for arguments that cannot cross: the spec's fault.
        """
        self._callables = {}
        values = _Values(self._plain)
        places = [list(map(values.place, (*args, *named.values()))) for args, named in calls]
        names = [list(named) for _, named in calls] if any(named for _, named in calls) else []
        try:
            return frame(["call", function, values.plain, places, names])
        except WireError as problem:
            raise ValueError(f"the spec's arguments of {function}() are too much for one message: {problem}") from None

    def _plain(self, value: Any) -> Any:
        if isinstance(value, np.random.Generator):
            return Stream(child_seed(value, self._seed))
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


class _Values:
    """The values of an order, each object once, while its calls hold them all."""

    def __init__(self, crossing: Callable[[Any], Any]) -> None:
        self.plain: list[Any] = []
        self._crossing = crossing
        self._places: dict[int, int] = {}

    def place(self, value: Any) -> int:
        """Where this very object stands."""
        place = self._places.setdefault(id(value), len(self.plain))
        if place == len(self.plain):
            self.plain.append(self._crossing(value))
        return place


def given(values: Sequence[Any], places: Sequence[int], names: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """One call's arguments in order and by name, out of an order's values; what could be changed is a copy."""
    arguments = [_own(values[place]) for place in places]
    first_named = len(arguments) - len(names)
    return arguments[:first_named], dict(zip(names, arguments[first_named:], strict=True))


def _own(value: Any) -> Any:
    if type(value) is np.ndarray:
        return value.copy()
    return to_plain(value) if type(value) in (list, tuple, dict) else value
