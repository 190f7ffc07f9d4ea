"""What a test of an engine leaves in a report, as lab-02 builds it: before the predictions are final, and after."""

import json
from copy import deepcopy
from typing import Any

_REASONS = {
    "speedup": "tau 3.18 over a cycle of 1.238 steps: v 1.062 and c 0.059 from the captures at k = 1 and 2",
    "acceptance_length": "rates .871 and .836 at k = 2; a third that falls on is .803, one that does not .836",
    "best_k": "a draft costs 0.059 steps; even at rates falling on, the fifth brings 0.4 of a token",
    "crossing": "a cycle at batch 32 verifies 128 rows: the baseline's line says 3.2 plain steps, for 3.2 tokens",
}


def _prediction(name: str, unit: str, *numbers: float | None) -> dict[str, Any]:
    value, lo, hi, measured, share = numbers
    row = {"name": name, "unit": unit, "value": value, "lo": lo, "hi": hi, "reason": _REASONS[name]}
    return {**row, "measured": measured, "share": share}


#: All is measured: two quantities held, one in part, one missed.
ANSWERED: dict[str, Any] = {
    "profile": "inflated-cpu", "by": "cpu", "date": "2026-11-25T13:19:00+00:00",
    "identity": {"vllm": "0.32.0", "torch": "2.13.0+cpu", "device": "AMD EPYC", "driver": None,
                 "target": "556643df79c5", "head": "40d23cae7e3e"},
    "baseline": {"1": 14.4829, "8": 17.8117, "32": 39.0556},
    "sealed_at": "2026-11-25T11:02:00+00:00", "revised_at": "2026-11-25T12:40:00+00:00",
    "closed_at": "2026-11-25T13:15:00+00:00",
    "waterfall": {"baseline_ms": 14.4829, "length": 3.26271, "cost": 1.19621, "tpot_ms": 5.30991},
    "per_position": [0.88136, 0.73729, 0.64407],
    "by_k": [{"k": 1, "speedup": 1.71284, "acceptance_length": 1.88557},
             {"k": 3, "speedup": 2.72755, "acceptance_length": 3.26271},
             {"k": 5, "speedup": 3.06367, "acceptance_length": 4.4}],
    "by_batch": [{"batch": 1, "speedup": 2.72755}, {"batch": 8, "speedup": 1.25}, {"batch": 32, "speedup": 0.957}],
    "predictions": [
        _prediction("speedup", "times", 2.57, 2.35, 2.85, 2.72755, 1.0),
        _prediction("acceptance_length", "tokens", 3.0, 2.8, 3.1, 3.26271, 0.5),
        _prediction("best_k", "drafts", 1, 1, 1, 5.0, 0.0),
        _prediction("crossing", "requests", None, 8.0, 32.0, 26.3, 0.8),
    ],
}  # fmt: skip
#: The same predictions, sealed but not final: there is the baseline, and nothing else.
SEALED: dict[str, Any] = {
    **ANSWERED, "revised_at": None, "closed_at": None, "waterfall": None, "per_position": [], "by_k": [],
    "by_batch": [], "predictions": [{**one, "measured": None, "share": None} for one in ANSWERED["predictions"]],
}  # fmt: skip


def changed(measured: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy that says something else."""
    return {**deepcopy(measured), **changes}


def report(measured: dict[str, Any], *tests: str) -> bytes:
    """A report whose tests passed; the first of them left this behind."""
    stages = {stage: {"outcome": "passed", "duration": 0.1} for stage in ("setup", "call", "teardown")}
    entries = [{"nodeid": f"test_lab.py::{name}", "outcome": "passed", **stages} for name in tests]
    entries[0]["user_properties"] = [{"measured": measured}]
    return json.dumps({"tests": entries}).encode()
