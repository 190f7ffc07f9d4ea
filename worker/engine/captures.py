"""What a measurement looks like, and what must be true of a genuine one. Pure: dicts in, sentences and numbers out.

A capture holds `plan` (workload, batch, tokens, k), `identity` of both engines and `rounds`, each with a `baseline`
and a `speculative` run as `running` told them. Counters are dicts: drafts, draft_tokens, accepted, per_pos.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

Capture = Mapping[str, Any]
Run = Mapping[str, Any]
#: From so many verification steps on, all rounds together, an acceptance length says something about a workload.
FEW_STEPS = 100
#: Spread of the rounds' ratios, over their mean, above which times say nothing.
NOISY = 0.15


def delta(run: Run) -> dict[str, Any]:
    """The counters that belong to this run. A restart in between shows as a negative number."""
    before, after = run["counters"]["before"], run["counters"]["after"]
    found: dict[str, Any] = {name: after[name] - before[name] for name in ("drafts", "draft_tokens", "accepted")}
    return found | {"per_pos": [b - a for a, b in zip(before["per_pos"], after["per_pos"], strict=True)]}


def tpot_ms(run: Run) -> float:
    """Median over the requests of the time per output token behind the first; nan where none has two."""
    requests = [one for one in run["requests"] if one["n_out"] > 1]
    times = [(one["e2e_ms"] - one["ttft_ms"]) / (one["n_out"] - 1) for one in requests]
    return statistics.median(times) if times else math.nan


def itl_ms(run: Run) -> float:
    """Mean gap between chunks, over all requests, as vLLM reports it."""
    gaps = [gap for one in run["requests"] for gap in one["gaps_ms"]]
    return statistics.fmean(gaps) if gaps else math.nan


def acceptance_length(run: Run) -> float:
    """Tokens per verification step, the target's own included."""
    counts = delta(run)
    return 1.0 + counts["accepted"] / counts["drafts"] if counts["drafts"] else math.nan


def speedups(capture: Capture, by: str = "wall") -> list[float]:
    """Of each round: how many times as fast, by time per token (`wall`) or by processor time (`cpu`)."""
    pairs = [(one["baseline"], one["speculative"]) for one in capture["rounds"]]
    if by == "cpu":
        return [base["cpu_s"] / fast["cpu_s"] for base, fast in pairs]
    return [tpot_ms(base) / tpot_ms(fast) for base, fast in pairs]


def agreement(capture: Capture) -> float:
    """Share of sequences whose tokens are those of plain decoding."""
    same = [
        ours["tokens"] == theirs["tokens"]
        for one in capture["rounds"]
        for ours, theirs in zip(one["speculative"]["requests"], one["baseline"]["requests"], strict=True)
    ]
    return sum(same) / len(same) if same else math.nan


def summary(capture: Capture) -> dict[str, Any]:
    """What the rounds say together."""
    runs = [one["speculative"] for one in capture["rounds"]]
    counts = delta(runs[0])
    steps = max(1, counts["drafts"])
    return {
        "acceptance_length": acceptance_length(runs[0]),
        "acceptance_rate": counts["accepted"] / max(1, counts["draft_tokens"]),
        "per_position": [n / steps for n in counts["per_pos"]],
        "baseline_tpot_ms": statistics.median(tpot_ms(one["baseline"]) for one in capture["rounds"]),
        "tpot_ms": statistics.median(tpot_ms(run) for run in runs),
        "itl_ms": statistics.median(itl_ms(run) for run in runs),
        "speedup": statistics.median(speedups(capture)),
        "speedup_cpu": statistics.median(speedups(capture, "cpu")),
        "agreement": agreement(capture),
        "steps": sum(delta(run)["drafts"] for run in runs),
    }


def flaws(capture: Capture, *, exact: bool = True) -> list[str]:
    """What cannot be true of a genuine run, one sentence each; empty where all holds.

    `exact`: sums do not depend on how many tokens are computed at once, so that speculation must not change a token.
    """
    k = capture["plan"]["k"]
    same = agreement(capture)
    found = [f"speculation changed tokens: {same:.0%} of the sequences agree"] if exact and same != 1 else []
    for number, one in enumerate(capture["rounds"], 1):
        said = [*baseline_flaws(one["baseline"]), *_speculative_flaws(one["speculative"], k)]
        found += [f"round {number}: {sentence}" for sentence in said]
    return found


def doubts(capture: Capture, by: str = "wall") -> list[str]:
    """Why the times of a genuine capture may not be judged: such a run is inconclusive, and repeated at no cost."""
    ratios = speedups(capture, by)
    if len(ratios) < 3:
        return [f"{len(ratios)} rounds; three say how far they spread"]
    found = []
    spread = statistics.stdev(ratios) / statistics.fmean(ratios)
    if not spread <= NOISY:
        found.append(f"the rounds' speed-ups spread by {spread:.0%}; more than {NOISY:.0%} says nothing")
    steps = sum(delta(one["speculative"])["drafts"] for one in capture["rounds"])
    if steps < FEW_STEPS:
        found.append(f"{steps} verification steps; fewer than {FEW_STEPS} say little about a workload")
    return found


def baseline_flaws(run: Run) -> Iterator[str]:
    """What cannot be true of plain decoding."""
    yield from _request_flaws(run)
    if any(one["n_out"] - 1 != len(one["gaps_ms"]) for one in run["requests"]):
        yield "plain decoding brings one token a chunk, and here it did not"
    if delta(run)["drafts"]:
        yield "plain decoding drafts nothing, and here something was drafted"


def _speculative_flaws(run: Run, k: int) -> Iterator[str]:
    yield from _request_flaws(run)
    counts = delta(run)
    drafts, drafted, accepted, positions = (counts[name] for name in ("drafts", "draft_tokens", "accepted", "per_pos"))
    if not drafts:
        yield "nothing was drafted"
    if min(drafts, drafted, accepted, *positions) < 0:
        yield "a counter fell: the engine was restarted"
    if not accepted <= drafted <= k * drafts:
        yield f"accepted ≤ drafted ≤ k · steps does not hold: {accepted}, {drafted}, {k} · {drafts}"
    if sum(positions) != accepted:
        yield f"the positions' counts add up to {sum(positions)}, not to the {accepted} accepted"
    if any(late > early for early, late in pairwise(positions)):
        yield "a deeper position was accepted more often than the one before it"
    requests, tokens = len(run["requests"]), sum(one["n_out"] for one in run["requests"])
    # the first token comes with the prompt; a step may bring more than its request still wanted
    if not 0 <= requests + drafts + accepted - tokens <= k * requests:
        yield f"{tokens} tokens cannot come from {requests} requests, {drafts} steps and {accepted} accepted drafts"
    if sum(len(one["gaps_ms"]) for one in run["requests"]) > drafts:
        yield "more chunks came than there were steps"


def _request_flaws(run: Run) -> Iterator[str]:
    for one in run["requests"]:
        gaps: Sequence[float] = one["gaps_ms"]
        if len(one["tokens"]) != one["n_out"]:
            yield "a request's tokens are not as many as it says"
        if min([one["ttft_ms"], *gaps]) < 0 or abs(one["ttft_ms"] + sum(gaps) - one["e2e_ms"]) > 1e-3 * one["e2e_ms"]:
            yield "a request's gaps do not add up to its time"
