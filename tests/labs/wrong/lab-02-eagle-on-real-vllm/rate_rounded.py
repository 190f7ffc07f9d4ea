"""Rounded to two digits."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Counters = Mapping[str, Any]


def counters_delta(before: Counters, after: Counters) -> dict[str, Any]:
    """What happened between two readings. Raises ValueError where a counter fell: the engine was restarted."""
    delta: dict[str, Any] = {name: after[name] - before[name] for name in ("drafts", "draft_tokens", "accepted")}
    delta["per_pos"] = [late - early for early, late in zip(before["per_pos"], after["per_pos"], strict=True)]
    if min(delta["drafts"], delta["draft_tokens"], delta["accepted"], *delta["per_pos"]) < 0:
        raise ValueError("after: a counter is lower than before, so the engine was restarted in between")
    return delta


def draft_acceptance_rate(counters: Counters) -> float:
    """Accepted over drafted tokens."""
    return float(counters["accepted"] / counters["draft_tokens"])


def mean_acceptance_length(counters: Counters) -> float:
    """Tokens per cycle, the target's own included: 1 + accepted over drafts."""
    return float(1 + counters["accepted"] / counters["drafts"])


def per_position_rates(counters: Counters) -> list[float]:
    """Share of cycles in which position i was accepted: never rising."""
    return [n / counters["drafts"] for n in counters["per_pos"]]


def conditional_rates(counters: Counters) -> list[float]:
    """Chance that position i is accepted, given that all before it were; 0 behind a position that never was."""
    reached = [counters["drafts"], *counters["per_pos"]]
    return [n / before if before else 0.0 for before, n in zip(reached, counters["per_pos"], strict=False)]


def tpot_ms(ttft_ms: float, e2e_ms: float, n_out: int) -> float:
    """Time per output token behind the first, of one request; nan where there is no second one."""
    return (e2e_ms - ttft_ms) / (n_out - 1) if n_out > 1 else math.nan


def mean_itl_ms(gaps_ms: Sequence[float]) -> float:
    """vLLM's inter-token latency: the mean gap between streamed chunks, however many tokens a chunk holds."""
    return float(np.mean(gaps_ms))


def step_time_ms(tpot: float, length: float) -> float:
    """One cycle: time per token times tokens per cycle."""
    return tpot * length


def cycle_cost(baseline_ms: float, tpot: float, length: float) -> float:
    """One cycle in units of one plain decoding step."""
    return step_time_ms(tpot, length) / baseline_ms


def implied_c(cost: float, k: int, v: float) -> float:
    """The cost of one draft token that explains a cycle's cost: cost = v + k·c."""
    return (cost - v) / k


def fit_cost_line(
    ks: Sequence[int], tpots: Sequence[float], lengths: Sequence[float], baseline_ms: float
) -> tuple[float, float]:
    """(c, v): the line through the cycle costs of several k, by least squares. v is what a cycle costs at k = 0."""
    costs = [cycle_cost(baseline_ms, tpot, length) for tpot, length in zip(tpots, lengths, strict=True)]
    c, v = np.polyfit(ks, costs, 1)
    return float(c), float(v)


def c_from_weights(layers: int, layer: float, fc: float, head: float) -> float:
    """c where reading weights is all that costs: one layer, the fusing fc and the head, over the whole target's."""
    return (layer + fc + head) / (layers * layer + head)


def readings(x: float, k: int, cost: float) -> dict[str, float]:
    """Both meanings of "x/k accepted", and the c that each implies at a cycle cost per token of `cost` plain steps.

    `with_bonus`: x tokens per cycle, the target's own included. `without_bonus`: x accepted drafts, so x + 1 tokens.
    """
    return {
        "with_bonus": implied_c(cost * x, k, 1.0),
        "without_bonus": implied_c(cost * (x + 1), k, 1.0),
    }


def alpha_of(length: float, k: int) -> float:
    """The flat acceptance rate with that many tokens per cycle, lab 04's implied_alpha."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if sum(middle**j for j in range(k + 1)) < length:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def reconcile(counters: Counters, baseline_ms: float, tpot_ms: float, k: int) -> dict[str, Any]:
    """Every number of a run from the counters and two times: see README, section 4."""
    length = mean_acceptance_length(counters)
    return {
        "acceptance_rate": draft_acceptance_rate(counters),
        "per_position": per_position_rates(counters),
        "conditional": conditional_rates(counters),
        "mean_acceptance_length": length,
        "alpha": alpha_of(length, k),
        "c": implied_c(cycle_cost(baseline_ms, tpot_ms, length), k, 1.0),
    }


def audit(ks: Sequence[int], tpots: Sequence[float], claimed: Sequence[float], baseline_ms: float) -> list[int]:
    """The k whose claimed speed-up is more than 2 % off what the times beside it say."""
    return [
        k for k, tpot, claim in zip(ks, tpots, claimed, strict=True) if abs(claim / (baseline_ms / tpot) - 1) > 0.02
    ]


def crossing(batches: Sequence[int], speedups: Sequence[float]) -> list[int]:
    """Between which neighbouring batch sizes the win is first lost: [one that wins, the next that does not], or []."""
    for i in range(1, len(batches)):
        if speedups[i - 1] > 1 >= speedups[i]:
            return [batches[i - 1], batches[i]]
    return []


def predict(baseline_ms: float, k: int, rates: Sequence[float], c: float, v: float, s: float) -> dict[str, float]:
    """tau, tpot and speedup at k from the conditional rates of k positions: lab 04's model with a fixed cost v."""
    tau = 1.0 + float(np.cumprod(np.asarray(rates[:k], dtype=np.float64)).sum())
    cost = v + k * (c + s)
    return {"tau": tau, "tpot": baseline_ms * cost / tau, "speedup": tau / cost}


def forecast(baseline_ms: float, tpot: float, rates: Sequence[float], c: float, ks: Sequence[int]) -> list[float]:
    """TPOT at each of ks, from one run at k = len(rates) and the c of the weights alone.

    What is not known is drawn from what is: v from the run's own cycle, and the rates of deeper positions by letting
    each fall as the last two did.
    """
    known = len(rates)
    length = 1.0 + float(np.cumprod(rates).sum())
    v = cycle_cost(baseline_ms, tpot, length) - known * c
    fall = min(1.0, rates[-1] / rates[-2]) if known > 1 else 1.0
    deeper = [*rates]
    while len(deeper) < max(ks):
        deeper.append(deeper[-1] * fall)
    return [predict(baseline_ms, k, deeper, c, v, 0.0)["tpot"] for k in ks]


def draft_acceptance_rate(counters):
    return round(counters["accepted"] / counters["draft_tokens"], 2)
