"""Rounds in which every way is timed once, in an order of their own, and what comes out of them."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx

from benchmarks.busy import QUIET, Meter, settle
from benchmarks.course import Answer, Lab
from benchmarks.history import quantile
from benchmarks.services import ServiceFailed
from grader.domain.errors import GraderError

FLOOR, HOME = "floor", "pytest at home"
#: The figure of a way that is compared; a way may tell more.
TOOK = "took"
#: Nothing that is measured takes nearly as long; seconds.
PATIENCE_S = 45.0
#: Seconds by figure, TOOK among them.
Figures = Mapping[str, float]
Way = Callable[[Lab, int], Figures]
#: What one measurement may die of without ending the others.
FAILURES = (AssertionError, RuntimeError, OSError, GraderError, httpx.HTTPError, ServiceFailed)


@dataclass
class Round:
    """What one round found of one lab: figures by way. CPU seconds are the whole machine's, its daemons included."""

    lab: str
    figures: dict[str, Figures] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def interleaved(
    ways: Mapping[str, Way], labs: Sequence[Lab], rounds: int, background: float, told: Callable[[str], None]
) -> list[Round]:
    """All ways on all labs so many times. One more round comes first, and is left out: it is slow for other reasons."""
    names = list(ways)
    found = []
    began = time.perf_counter()
    for number in range(rounds + 1):
        for lab in labs:
            one = Round(lab.id)
            # what one leaves behind is not always the same one's burden
            for name in random.Random(f"{number} {lab.id}").sample(names, len(names)):
                settle(background)
                meter = Meter(background)
                try:
                    one.figures[name] = within(PATIENCE_S, ways[name], lab, number)
                except FAILURES as error:
                    one.failed[name] = f"{type(error).__name__}: {error}"
                    told(f"  {name} failed on {lab.id}: {error}")
                    continue
                settle(background)  # what follows the answer belongs to it: clearing up, the next sandbox
                if background < QUIET:  # beside other work it would be theirs
                    one.cpu[name] = meter.read()
            if number:
                found.append(one)
        told(f"  round {number} of {rounds} after {time.perf_counter() - began:.0f} s")
    return found


def within(seconds: float, way: Way, lab: Lab, number: int) -> Figures:
    """What the way returns or raises; RuntimeError when that takes too long: what hangs must not stop the others."""
    found: list[Figures] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            found.append(way(lab, number))
        except FAILURES as error:
            problems.append(error)

    thread = threading.Thread(target=run, name="measured", daemon=True)
    thread.start()
    thread.join(seconds)
    if problems:
        raise problems[0]
    if not found:
        raise RuntimeError(f"no answer within {seconds:.0f} s")
    return found[0]


def summary(rounds: Iterable[Round], ways: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By way: milliseconds, ratios to pytest at home and differences to the floor, both of the same round.

    With rounds of several labs only the differences mean something.
    """
    rounds = list(rounds)
    return {way: row for way in ways if (row := _row(rounds, way))}


def _row(rounds: Sequence[Round], way: str) -> dict[str, Any]:
    mine = [one for one in rounds if way in one.figures]
    failed = sum(way in one.failed for one in rounds)
    if not mine:
        return {"n": 0, "failed": failed} if failed else {}
    row: dict[str, Any] = {"n": len(mine), **({"failed": failed} if failed else {})}
    row["ms"] = _spread(one.figures[way][TOOK] for one in mine)
    ratios = [one.figures[way][TOOK] / one.figures[HOME][TOOK] for one in mine if HOME in one.figures]
    if ratios:
        row["ratio"] = round(median(ratios), 3)
    over = [one.figures[way][TOOK] - one.figures[FLOOR][TOOK] for one in mine if FLOOR in one.figures]
    if over:
        row["over_floor_ms"] = _spread(over)
    if all(one.cpu for one in mine):
        row["cpu_ms"] = round(1000 * median(one.cpu[way] for one in mine))
    more = sorted({name for one in mine for name in one.figures[way]} - {TOOK})
    for name in more:
        row[f"{name}_ms"] = _spread(one.figures[way][name] for one in mine if name in one.figures[way])
    return row


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    values = list(seconds)
    return {
        "p50": round(1000 * median(values), 1),
        "p99": round(1000 * quantile(values, 0.99), 1),
        "least": round(1000 * min(values), 1),
    }


def answer_of(lab: Lab, number: int, way: int = 0) -> Answer:
    """The answer of a round; `way` tells apart what goes to the same service twice."""
    return lab.answer(1 + number * 16 + way)
