"""What a spec is told of a measurement. Pure: captures in, JSON out."""

import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from worker.engine import captures
from worker.engine.profiles import Profile


def answer(
    profile: Profile,
    names: Mapping[str, str],
    identity: Mapping[str, Any],
    baseline: Mapping[int, Sequence[captures.Run]],
    found: Sequence[captures.Capture] | None,
) -> dict[str, Any]:
    """`names` are the models', `identity` an engine's, `baseline` by batch size; without `found` that is all."""
    told = {
        "profile": profile.name,
        "by": profile.by,
        "identity": {**{name: identity[name] for name in ("vllm", "torch", "device", "driver")}, **names},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "workload": profile.workload,
        "baseline": {f"{batch}": _finite(_tpot_ms(runs)) for batch, runs in baseline.items()},
    }
    return told if found is None else told | {"runs": [_run(profile, capture) for capture in found]}


def _run(profile: Profile, capture: captures.Capture) -> dict[str, Any]:
    said = captures.summary(capture)
    return {
        "k": capture["plan"]["k"],
        "batch": capture["plan"]["batch"],
        "speedup": _finite(said["speedup_cpu"] if profile.by == "cpu" else said["speedup"]),
        "speedup_wall": _finite(said["speedup"]),
        **{
            name: _finite(said[name])
            for name in ("baseline_tpot_ms", "tpot_ms", "itl_ms", "acceptance_length", "acceptance_rate", "agreement")
        },
        "per_position": [_finite(share) for share in said["per_position"]],
        "counters": captures.delta(capture["rounds"][0]["speculative"]),
        "steps": said["steps"],
        "flaws": captures.flaws(capture, exact=profile.exact),
        "doubts": captures.doubts(capture, profile.by),
    }


def _tpot_ms(runs: Sequence[captures.Run]) -> float:
    return statistics.median(captures.tpot_ms(run) for run in runs)


def _finite(number: float) -> float:
    """JSON has no word for anything else; whoever gets this finds a flaw beside it."""
    return float(f"{number:.6g}") if math.isfinite(number) else 0.0
