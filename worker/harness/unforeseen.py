"""Whether code, while it runs, asks for what it can only be told later, or draws what must not be the same twice."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

#: What a spec is told of its job.
TOLD_LATER = ("LAB_SEED", "LAB_IMPL")


class Unforeseen:
    """`what` is the first thing of that kind that was seen, "" if none was: a read of the job's variables, a draw from
    a global generator or from the system's. Not seen: the clock, and what reads the environment below Python."""

    def __init__(self) -> None:
        self.what = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While inside, look."""
        before = _generators()
        plain, environment = type(os.environ), _watching(self._note)
        kept = {name: getattr(module, name) for module, name in _SOURCES}
        os.environ.update(dict.fromkeys(TOLD_LATER, "0"))  # so that a look at everything meets them
        os.environ.__class__ = environment
        for module, name in _SOURCES:
            setattr(module, name, self._noted(kept[name]))
        try:
            yield
        finally:
            for module, name in _SOURCES:
                setattr(module, name, kept[name])
            os.environ.__class__ = plain
            for name in TOLD_LATER:
                os.environ.pop(name, None)
            if _generators() != before:
                self._note("a draw from a global random generator")

    def _note(self, what: str) -> None:
        self.what = self.what or what

    def _noted(self, draw: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def drawn(size: int) -> bytes:
            self._note("a draw from the system's random source")
            return draw(size)

        return drawn


#: Where Python and numpy take the system's random bytes from.
_SOURCES = ((os, "urandom"), (random, "_urandom"))


def _generators() -> tuple[Any, Any]:
    state: Any = np.random.get_state(legacy=True)
    return random.getstate(), (state[1].tobytes(), *state[2:])


def _watching(note: Callable[[str], None]) -> Any:
    plain: Any = type(os.environ)

    class Watching(plain):  # type: ignore[misc] # the class of os.environ has no public name
        def __getitem__(self, key: str) -> str:
            if key in TOLD_LATER:
                note(f"a look at {key}")
            value: str = super().__getitem__(key)
            return value

    return Watching
