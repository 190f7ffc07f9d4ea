"""Makes a lab's calibration record out of what several processes measured.

Each measured its share of the seeds and of the simulated runs (worker/harness/calibration.py); counts and sums add up.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from statistics import median
from typing import Any

from grader.domain.calibration import SCHEMA
from grader.domain.lab import Lab

Part = Mapping[str, Any]
#: The class that the budget is told for.
STUDENTS, SUBMISSIONS = 300, 15


def problems_of(parts: Sequence[Part]) -> list[str]:
    """Why there can be no record, each reason once."""
    return list(dict.fromkeys(str(problem) for part in parts for problem in part["problems"]))


def record_of(
    lab: Lab, spec_digest: str, files: Mapping[str, str], parts: Sequence[Part], *, made: str
) -> dict[str, Any]:
    """The record, ready for JSON. `files`: SHA-256 of each file of the bundle; `made`: the date."""
    budget = {
        "false_fail_rate": lab.false_fail_rate,
        "false_pass_rate": lab.false_pass_rate,
        "rerolls": lab.rerolls,
        "stochastic_checks": lab.stochastic_checks,
        "students": STUDENTS,
        "submissions": SUBMISSIONS,
        **({"effect": lab.effect} if lab.effect else {}),
    }
    record = {
        "schema": SCHEMA,
        "lab": lab.id,
        "made": made,
        "spec_digest": spec_digest,
        "files": dict(files),
        "environment": dict(parts[0]["environment"]),
        "budget": budget,
        "end_to_end": _tally([part["end_to_end"] for part in parts]),
        "checks": [_check(same) for same in _by("check", [part["checks"] for part in parts])],
        "mutants": [_mutant(same) for same in _by("mutant", [part["mutants"] for part in parts])],
        "seconds": {
            test: _short(median(part["seconds"][test] for part in parts if test in part["seconds"]))
            for test in parts[0]["seconds"]
        },
    }
    return {name: value for name, value in record.items() if value != []}


def _by(name: str, lists: Sequence[Sequence[Part]]) -> list[list[Part]]:
    """What every process said of the same thing, in the order it was first told."""
    groups: dict[Any, list[Part]] = {}
    for item in (item for items in lists for item in items):
        groups.setdefault(item[name], []).append(item)
    return list(groups.values())


def _tally(parts: Sequence[Part]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in ("runs", "failed", "undecided")}


def _check(parts: Sequence[Part]) -> dict[str, Any]:
    nulls = [part["null"] for part in parts]
    runs = sum(null["runs"] for null in nulls)
    crossed: Counter[float] = Counter()
    for level, count in (pair for null in nulls for pair in null["crossed"]):
        crossed[level] += count
    named = ("laws", "mistake", _law)
    unnamed = ("unnamed", "place", _unnamed)
    effect = parts[0]["effect"]
    keyed = [{**part, "unnamed": [{**one, "place": (one["where"], one["times"])} for one in part["unnamed"]]}
             for part in parts]  # fmt: skip
    return {
        **{name: parts[0][name] for name in ("check", "kind", "alpha", "beta", "floor", "cap")},
        **({} if effect is None else {"effect": _short(effect)}),
        "designs": sum(part["designs"] for part in parts),
        "null": _tally(nulls) | {
            "draws": _draws(null["draws"] for null in nulls),
            **({"crossed": [{"level": level, "share": _short(count / runs)} for level, count in crossed.items()]}
               if crossed else {}),
        },
        "false_fail": _importance([part["importance"] for part in parts]),
        **{name: found for name, key, pool in (named, unnamed) if (found := _pooled(keyed, name, key, pool))},
    }  # fmt: skip


def _pooled(
    parts: Sequence[Part], name: str, key: str, pool: Callable[[Sequence[Part]], dict[str, Any]]
) -> list[dict[str, Any]]:
    return [pool(same) for same in _by(key, [part[name] for part in parts])]


def _law(parts: Sequence[Part]) -> dict[str, Any]:
    """A known mistake, by its exact law."""
    designs = sum(part["designs"] for part in parts)
    return {
        "mistake": parts[0]["mistake"],
        **_tally(parts),
        "distance": _short(sum(part["distances"] for part in parts) / designs),
        "draws": _draws(part["draws"] for part in parts),
    }


def _unnamed(parts: Sequence[Part]) -> dict[str, Any]:
    """A deviation that no known mistake describes."""
    by_floor = sum(part["by_floor"] for part in parts)
    return {"where": parts[0]["where"], "times": parts[0]["times"], **_tally(parts), "by_floor": by_floor}


def _mutant(parts: Sequence[Part]) -> dict[str, Any]:
    effects = [part["effect"] for part in parts if part["effect"] is not None]
    found: dict[str, Any] = {"mutant": parts[0]["mutant"], "caught_by": parts[0]["caught_by"]}
    found["runs"] = sum(part["runs"] for part in parts)
    for name in ("slipped", "survived"):
        found[name] = sorted(seed for part in parts for seed in part[name])
    if effects:
        same = [one for one in effects if one["check"] == effects[0]["check"]]
        observed = median(value for one in same for value in one["observed"])
        found["effect"] = {"check": same[0]["check"], "observed": _short(observed), "allowed": same[0]["allowed"]}
    return found


def _importance(parts: Sequence[Part]) -> dict[str, Any]:
    """The chance that a correct sampler fails: the mean of the weights, and the standard error of that mean."""
    runs = sum(part["runs"] for part in parts)
    mean = sum(part["sum"] for part in parts) / runs
    variance = max(0.0, sum(part["squares"] for part in parts) / runs - mean**2)
    return {"runs": runs, "estimate": _short(mean), "standard_error": _short(math.sqrt(variance / runs))}


def _draws(histograms: Iterable[Sequence[Sequence[int]]]) -> dict[str, float]:
    """Mean, median, 99th percentile and largest of what [draws, how often] pairs count; zeros where they are none."""
    counts: Counter[int] = Counter()
    for draws, often in (pair for histogram in histograms for pair in histogram):
        counts[draws] += often
    values = sorted(counts)
    if not values:
        return {"mean": 0.0, "median": 0, "p99": 0, "most": 0}
    up_to = list(accumulate(counts[value] for value in values))

    def quantile(share: float) -> int:
        return next(value for value, seen in zip(values, up_to, strict=True) if seen >= share * up_to[-1])

    mean = sum(value * often for value, often in counts.items()) / up_to[-1]
    return {"mean": _short(mean), "median": quantile(0.5), "p99": quantile(0.99), "most": values[-1]}


def _short(value: float) -> float:
    """Four significant digits: a measurement has no more."""
    return float(f"{min(value, 1e300):.4g}")
