"""A half-right answer: the bonus is forgotten, one flat rate for all depths, stage 4 is not written."""

import numpy as np


def counters_delta(before, after):
    delta = {name: after[name] - before[name] for name in ("drafts", "draft_tokens", "accepted")}
    per_pos = [b - a for a, b in zip(before["per_pos"], after["per_pos"], strict=True)]
    if min(*delta.values(), *per_pos) < 0:
        raise ValueError("after: the engine was restarted")
    return {**delta, "per_pos": per_pos}


def draft_acceptance_rate(counters):
    return counters["accepted"] / counters["draft_tokens"]


def mean_acceptance_length(counters):
    return counters["accepted"] / counters["drafts"]


def per_position_rates(counters):
    return [n / counters["drafts"] for n in counters["per_pos"]]


def conditional_rates(counters):
    reached = [counters["drafts"], *counters["per_pos"]]
    return [n / before if before else 0.0 for before, n in zip(reached, counters["per_pos"], strict=False)]


def tpot_ms(ttft_ms, e2e_ms, n_out):
    return (e2e_ms - ttft_ms) / (n_out - 1) if n_out > 1 else float("nan")


def mean_itl_ms(gaps_ms):
    return sum(gaps_ms) / len(gaps_ms)


def step_time_ms(tpot, length):
    return tpot * length


def cycle_cost(baseline_ms, tpot, length):
    return tpot * length / baseline_ms


def implied_c(cost, k, v):
    return (cost - v) / k


def c_from_weights(layers, layer, fc, head):
    return (layer + fc + head) / (layers * layer + head)


def fit_cost_line(ks, tpots, lengths, baseline_ms):
    costs = [t * n / baseline_ms for t, n in zip(tpots, lengths, strict=True)]
    c, v = np.polyfit(ks, costs, 1)
    return c, v


def readings(x, k, cost):
    return {"with_bonus": (cost * x - 1) / k, "without_bonus": (cost * (x + 1) - 1) / k}


def reconcile(counters, baseline_ms, tpot_ms, k):
    raise NotImplementedError


def predict(baseline_ms, k, rates, c, v, s):
    tau = 1 + float(np.cumprod(rates[:k]).sum())
    cost = v + k * (c + s)
    return {"tau": tau, "tpot": baseline_ms * cost / tau, "speedup": tau / cost}


def forecast(baseline_ms, tpot, rates, c, ks):
    length = 1 + float(np.cumprod(rates).sum())
    v = tpot * length / baseline_ms - len(rates) * c
    return [predict(baseline_ms, k, [sum(rates) / len(rates)] * k, c, v, 0.0)["tpot"] for k in ks]
