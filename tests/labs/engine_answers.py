"""What an engine answers, after a run of the inflated pair on a CPU; its fading with the batch is made clearer."""

from collections.abc import Callable, Mapping
from typing import Any

#: Cycles by k, and in how many of them each position was accepted.
CYCLES = {1: 201, 3: 118, 5: 90}
ACCEPTED = {1: [178], 3: [104, 87, 76], 5: [78, 69, 64, 53, 42]}
#: How many times as fast, by k and batch.
SPEEDUPS = {(1, 1): 1.63, (3, 1): 2.7, (5, 1): 3.21, (3, 8): 1.25, (3, 32): 0.88}
BASELINE = {"1": 13.6, "8": 15.4, "32": 34.6}
#: What a genuine run says of one configuration: tests change a copy.
Run = dict[str, Any]


def one(k: int, batch: int) -> Run:
    """The run at that k and batch."""
    drafts, per_pos, base = CYCLES[k], ACCEPTED[k], BASELINE[f"{batch}"]
    length = 1 + sum(per_pos) / drafts
    return {
        "k": k,
        "batch": batch,
        "speedup": SPEEDUPS[k, batch],
        "speedup_wall": SPEEDUPS[k, batch],
        "baseline_tpot_ms": base,
        "tpot_ms": base / SPEEDUPS[k, batch],
        "itl_ms": length * base / SPEEDUPS[k, batch],
        "acceptance_length": length,
        "acceptance_rate": sum(per_pos) / (k * drafts),
        "per_position": [n / drafts for n in per_pos],
        "counters": {"drafts": drafts, "draft_tokens": k * drafts, "accepted": sum(per_pos), "per_pos": per_pos},
        "agreement": 1.0,
        "steps": 3 * drafts,
        "flaws": [],
        "doubts": [],
    }


class Engine:
    """Answers what is asked, and remembers it. `bend` changes the runs before they are told."""

    def __init__(self, bend: Callable[[dict[tuple[int, int], Run]], None] = lambda runs: None) -> None:
        self._bend = bend
        self.asked: list[Mapping[str, Any]] = []

    def __call__(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a worker's engines tell a judge."""
        self.asked.append(asked)
        told: dict[str, Any] = {}
        if asked["what"] == "all":
            pairs = [*((k, 1) for k in asked["ks"]), *((asked["k"], batch) for batch in asked["batches"] if batch > 1)]
            runs = {pair: one(*pair) for pair in pairs}
            self._bend(runs)
            told = {"runs": list(runs.values())}
        return {
            **told,
            "profile": "inflated-cpu",
            "by": "cpu",
            "identity": {"vllm": "0.32.0", "torch": "2.13.0+cpu", "device": "AMD EPYC", "driver": None,
                         "target": "8c93a1031820", "head": "40d23cae7e3e"},
            "date": "2026-11-25T13:00:00+00:00",
            "workload": "familiar prose",
            "baseline": dict(BASELINE),
        }  # fmt: skip
