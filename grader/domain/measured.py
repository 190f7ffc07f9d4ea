"""What an engine measured, against what was predicted before: as a test leaves it in the report.

The judge writes the numbers, a student the reasons. Whatever is no finite number, fits nothing else, or is more than a
page can show is left out, and half a picture is none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from grader.domain.measurements import line, number, pairs
from grader.domain.text import clean_line

#: What a page can show: quantities, points of a curve, characters of a name.
QUANTITIES = 12
POINTS = 16
WORD_CHARACTERS = 80
#: No number beyond says anything about an engine, and no time, length or speed-up below.
LARGEST, SMALLEST = 1e6, 1e-6
#: What says which engine it was, in the order to tell it.
IDENTITY = ("vllm", "torch", "device", "driver", "target", "head")
#: Which time a speed-up is of.
CLOCKS = ("cpu", "wall")
_LONGEST_TIME = 40
_LATEST = 2.0**33


class Outcome(StrEnum):
    """Of a prediction. One that missed earns in part where it was near, or where its author says what was wrong."""

    HELD = "held"
    IN_PART = "in part"
    MISSED = "missed"
    UNSETTLED = "not settled"


@dataclass(frozen=True)
class Prediction:
    """One quantity: an interval, from 0 or without an upper end where `high` is None, and a guess inside, if any.

    `measured` is None before it is; `share`, what it earns of its points, None until that is settled.
    """

    name: str
    unit: str
    low: float
    high: float | None
    value: float | None = None
    reason: str = ""
    measured: float | None = None
    share: float | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None where nothing was measured.

        The share tells what the interval cannot: two answers may be equally right, or one lie on the edge of both.
        """
        if self.measured is None:
            return None
        if self.share is None:
            return Outcome.UNSETTLED
        if self.share == 0:
            return Outcome.MISSED
        inside = self.low <= self.measured and (self.high is None or self.measured <= self.high)
        return Outcome.HELD if inside or self.share == 1 else Outcome.IN_PART


@dataclass(frozen=True)
class Waterfall:
    """Time per token, plain and speculative: the plain time, shared among a cycle's tokens, times a cycle's cost."""

    baseline_ms: float
    length: float
    cost: float
    tpot_ms: float

    @property
    def shared_ms(self) -> float:
        """What a token would take if a cycle cost one plain step."""
        return self.baseline_ms / self.length


@dataclass(frozen=True)
class Point:
    """Of a curve: speed-up at a batch size, or at a depth k, there with the tokens of a cycle."""

    at: int
    speedup: float
    length: float | None = None


@dataclass(frozen=True)
class Measured:
    """An engine's answer to what was predicted. Times are seconds since 1970, None where they are not known.

    Curves rise in what they are drawn over; `baseline` is plain decoding's time per token in ms, by batch size.
    """

    profile: str = ""
    by: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)
    date: float | None = None
    sealed_at: float | None = None
    revised_at: float | None = None
    closed_at: float | None = None
    baseline: tuple[tuple[int, float], ...] = ()
    waterfall: Waterfall | None = None
    per_position: tuple[float, ...] = ()
    by_k: tuple[Point, ...] = ()
    by_batch: tuple[Point, ...] = ()
    predictions: tuple[Prediction, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether more than the baseline was measured."""
        answers = (one.measured is not None for one in self.predictions)
        return any((self.waterfall, self.per_position, self.by_k, self.by_batch, *answers))


def read_measured(raw: object) -> Measured | None:
    """Of a test's `user_properties` the first `measured` that holds anything to show; None where there is none."""
    found = (_measured(value) for name, value in pairs(raw) if name == "measured" and isinstance(value, dict))
    return next((one for one in found if one.baseline or one.predictions or one.answered), None)


def _measured(value: Mapping[str, Any]) -> Measured:
    by, identity = value.get("by"), value.get("identity")
    named = identity if isinstance(identity, dict) else {}
    return Measured(
        profile=_word(value.get("profile")),
        by=by if isinstance(by, str) and by in CLOCKS else "",
        identity={name: word for name in IDENTITY if (word := _word(named.get(name)))},
        date=_moment(value.get("date")),
        sealed_at=_moment(value.get("sealed_at")),
        revised_at=_moment(value.get("revised_at")),
        closed_at=_moment(value.get("closed_at")),
        baseline=_baseline(value.get("baseline")),
        waterfall=_waterfall(value.get("waterfall")),
        per_position=_rates(value.get("per_position")),
        by_k=_curve(value.get("by_k"), "k"),
        by_batch=_curve(value.get("by_batch"), "batch"),
        predictions=tuple(_predictions(value.get("predictions"))),
    )


def _baseline(value: object) -> tuple[tuple[int, float], ...]:
    items = value.items() if isinstance(value, dict) and len(value) <= POINTS else ()
    found = {_count(name): _above_0(time) for name, time in items}
    known = [(batch, time) for batch, time in found.items() if batch is not None and time is not None]
    return tuple(sorted(known)) if len(known) == len(items) else ()


def _waterfall(value: object) -> Waterfall | None:
    steps = value if isinstance(value, dict) else {}
    parts = [_above_0(steps.get(name)) for name in ("baseline_ms", "length", "cost", "tpot_ms")]
    known = [part for part in parts if part is not None]
    return Waterfall(*known) if len(known) == len(parts) else None


def _rates(value: object) -> tuple[float, ...]:
    rates = [_share(one) for one in _items(value, POINTS)]
    known = tuple(rate for rate in rates if rate is not None)
    return known if len(known) == len(rates) else ()


def _curve(value: object, over: str) -> tuple[Point, ...]:
    rows = [one if isinstance(one, dict) else {} for one in _items(value, POINTS)]
    found = {
        at: Point(at, speedup, _above_0(row.get("acceptance_length")))
        for row in rows
        if (at := _count(row.get(over))) is not None and (speedup := _above_0(row.get("speedup"))) is not None
    }
    return tuple(found[at] for at in sorted(found)) if len(found) == len(rows) else ()


def _predictions(value: object) -> Iterator[Prediction]:
    for row in _items(value, QUANTITIES):
        told = row if isinstance(row, dict) else {}
        name, low, high = _word(told.get("name")), _bounded(told.get("lo")), _bounded(told.get("hi"))
        endless = "hi" in told and told["hi"] is None
        if not name or low is None or (high is None and not endless) or (high is not None and high < low):
            continue
        yield Prediction(
            name=name,
            unit=_word(told.get("unit")),
            low=low,
            high=high,
            value=_bounded(told.get("value")),
            reason=line(told.get("reason")),
            measured=_bounded(told.get("measured")),
            share=_share(told.get("share")),
        )


def _items(value: object, most: int) -> list[object]:
    """A list that is not too long, else none of it."""
    return value if isinstance(value, list) and len(value) <= most else []


def _word(value: object) -> str:
    return clean_line(value, WORD_CHARACTERS) if isinstance(value, str) else ""


def _bounded(value: object) -> float | None:
    """A number that is not negative and not beyond what an engine does."""
    found = number(value)
    return found if found is not None and 0 <= found <= LARGEST else None


def _above_0(value: object) -> float | None:
    found = _bounded(value)
    return found if found is not None and found >= SMALLEST else None


def _share(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def _count(value: object) -> int | None:
    """A whole number from 1, also as the key of an object: `"8"`."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and 0 < len(value) <= 6 and int(value) else None
    found = _above_0(value)
    return int(found) if found is not None and found == int(found) else None


def _moment(value: object) -> float | None:
    """A time of ISO 8601, in UTC where it does not say."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.fromtimestamp(0, UTC)).total_seconds()
    return seconds if 0 <= seconds < _LATEST else None
