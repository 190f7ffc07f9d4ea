"""What a spec may ask of an engine, within bounds: a spec is trusted, but it may be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.engine.errors import BadQuestion

MOST_DRAFTED = 8
MOST_AT_ONCE = 32
MOST_ROUNDS = 5
#: Different values of k, or of the batch size, in one question.
MOST_VALUES = 6


@dataclass(frozen=True)
class Question:
    """`ks` are measured one request at a time, `k` at the other batch sizes too; without `ks` nothing speculates."""

    k: int = 0
    ks: tuple[int, ...] = ()
    batches: tuple[int, ...] = (1, 8, 32)
    rounds: int = 3

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Each k with each batch size that it is measured at."""
        return [*((k, 1) for k in self.ks), *((self.k, batch) for batch in self.batches if self.ks and batch != 1)]

    @classmethod
    def of(cls, asked: Any) -> "Question":
        """What a judge passed on. Raises BadQuestion."""
        if not isinstance(asked, Mapping) or asked.get("what") not in ("baseline", "all"):
            raise BadQuestion('an engine is asked for "baseline" or for "all"')
        if asked["what"] == "baseline":
            return cls()
        found = cls(
            k=_whole(asked, "k", MOST_DRAFTED),
            ks=_wholes(asked, "ks", MOST_DRAFTED),
            batches=_wholes(asked, "batches", MOST_AT_ONCE),
            rounds=_whole(asked, "rounds", MOST_ROUNDS),
        )
        if found.k not in found.ks or 1 not in found.batches:
            raise BadQuestion("k is one of ks, and batches has 1 in it")
        return found


def _whole(asked: Mapping[str, Any], name: str, most: int) -> int:
    return _checked(asked.get(name), name, most)


def _wholes(asked: Mapping[str, Any], name: str, most: int) -> tuple[int, ...]:
    values = asked.get(name)
    if not isinstance(values, list) or not 0 < len(values) <= MOST_VALUES:
        raise BadQuestion(f"{name} is a list of 1 to {MOST_VALUES} numbers, not {values!r}")
    found = [_checked(value, name, most) for value in values]
    if len(set(found)) < len(found):
        raise BadQuestion(f"{name} has a number twice: {values!r}")
    return tuple(found)


def _checked(value: Any, name: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise BadQuestion(f"{name} is a whole number from 1 to {most}, not {value!r}")
    return value
