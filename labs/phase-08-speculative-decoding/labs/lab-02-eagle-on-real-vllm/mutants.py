"""What students get wrong in lab-02. Each mutant is appended to the solution and takes one function's place."""

from labkit.mutation import mutant

# --- counters


@mutant("ignores-restart", "counters_delta", caught_by="test_counters_delta",
        says="counters that fell give negative counts instead of ValueError",
        fix="a counter never falls while an engine lives: refuse it")  # fmt: skip
def delta_ignores_restart(before, after):
    delta = {name: after[name] - before[name] for name in ("drafts", "draft_tokens", "accepted")}
    return {**delta, "per_pos": [b - a for a, b in zip(before["per_pos"], after["per_pos"], strict=True)]}


@mutant("totals-only", "counters_delta", caught_by="test_counters_delta",
        says="you look for a restart in the totals alone; a position's counter can fall as well",
        fix="check every counter, per_pos included")  # fmt: skip
def delta_totals_only(before, after):
    delta = {name: after[name] - before[name] for name in ("drafts", "draft_tokens", "accepted")}
    if min(delta.values()) < 0:
        raise ValueError("after")
    return {**delta, "per_pos": [b - a for a, b in zip(before["per_pos"], after["per_pos"], strict=True)]}


@mutant("since-the-start", "counters_delta", caught_by="test_counters_delta",
        says="these are the counts since the engine started: warm-up and other people's requests are in them",
        fix="subtract the reading before")  # fmt: skip
def delta_since_start(before, after):
    pairs = [(before["drafts"], after["drafts"]), *zip(before["per_pos"], after["per_pos"], strict=True)]
    if any(late < early for early, late in pairs):
        raise ValueError("after")
    return {**after, "per_pos": list(after["per_pos"])}


@mutant("per-cycle", "draft_acceptance_rate", caught_by="test_acceptance_by_hand",
        says="that is accepted per cycle, which can be more than 1: you divided by drafts",
        fix="accepted / draft_tokens")  # fmt: skip
def rate_per_cycle(counters):
    return counters["accepted"] / counters["drafts"]


@mutant("bonus-in-the-rate", "draft_acceptance_rate", caught_by="test_acceptance_by_hand",
        says="the target's own token was not drafted, so it is not accepted either",
        fix="accepted / draft_tokens")  # fmt: skip
def rate_with_bonus(counters):
    return (counters["accepted"] + counters["drafts"]) / (counters["draft_tokens"] + counters["drafts"])


@mutant("bonus-forgotten", "mean_acceptance_length", caught_by="test_acceptance_by_hand",
        says="the target's own token is missing: every cycle emits it",
        fix="1 + accepted / drafts")  # fmt: skip
def length_no_bonus(counters):
    return counters["accepted"] / counters["drafts"]


@mutant("bonus-on-full-only", "mean_acceptance_length", caught_by="test_acceptance_by_hand",
        says="you count the extra token only where every draft was accepted; after a refusal the correction comes out",
        fix="1 + accepted / drafts")  # fmt: skip
def length_bonus_on_full(counters):
    return (counters["accepted"] + counters["per_pos"][-1]) / counters["drafts"]


@mutant("rate-times-k", "mean_acceptance_length", caught_by="test_acceptance_published",
        says="1 + k times the rate: not every cycle drafts k tokens (a request ends, a drafter finds nothing)",
        fix="1 + accepted / drafts")  # fmt: skip
def length_rate_times_k(counters):
    return 1 + len(counters["per_pos"]) * counters["accepted"] / counters["draft_tokens"]


@mutant("per-position-of-tokens", "per_position_rates", caught_by="test_acceptance_published",
        says="you divide by drafted tokens; each cycle has one token at each position",
        fix="per_pos[i] / drafts")  # fmt: skip
def positions_of_tokens(counters):
    return [n / counters["draft_tokens"] for n in counters["per_pos"]]


@mutant("per-position-shares", "per_position_rates", caught_by="test_acceptance_published",
        says="these are shares of the accepted tokens: they add up to 1, rates do not",
        fix="per_pos[i] / drafts")  # fmt: skip
def positions_shares(counters):
    return [n / counters["accepted"] for n in counters["per_pos"]]


@mutant("per-position-conditional", "per_position_rates", caught_by="test_rates_by_position",
        says="you divide by the cycles that got to the position; vLLM's rates divide by all cycles",
        fix="per_pos[i] / drafts; the conditional ones are another function")  # fmt: skip
def positions_conditional(counters):
    return conditional_rates(counters)


@mutant("conditional-of-all", "conditional_rates", caught_by="test_rates_by_position",
        says="these are the unconditional rates: divide by the cycles that reached the position",
        fix="per_pos[i] / per_pos[i-1], the first by drafts")  # fmt: skip
def conditional_of_all(counters):
    return [n / counters["drafts"] for n in counters["per_pos"]]


@mutant("conditional-from-second", "conditional_rates", caught_by="test_rates_by_position",
        says="the first position is missing: its condition is the cycle itself",
        fix="per_pos[0] / drafts comes first")  # fmt: skip
def conditional_from_second(counters):
    n = counters["per_pos"]
    return [n[i] / n[i - 1] if n[i - 1] else 0.0 for i in range(1, len(n))]


@mutant("conditional-divides-by-zero", "conditional_rates", caught_by="test_rates_by_position",
        says="a position that nobody reached divides by 0",
        fix="its rate is 0.0")  # fmt: skip
def conditional_zero(counters):
    reached = [counters["drafts"], *counters["per_pos"]]
    return [n / before for before, n in zip(reached, counters["per_pos"], strict=False)]


# --- times


@mutant("tpot-over-all-tokens", "tpot_ms", caught_by="test_tpot_and_itl",
        says="you divide by n_out: the first token came with the TTFT, n_out - 1 are left",
        fix="(e2e - ttft) / (n_out - 1)")  # fmt: skip
def tpot_all(ttft_ms, e2e_ms, n_out):
    return (e2e_ms - ttft_ms) / n_out if n_out > 1 else float("nan")


@mutant("tpot-with-prefill", "tpot_ms", caught_by="test_tpot_and_itl",
        says="the time to the first token is in it: that is reading the prompt, not decoding",
        fix="(e2e - ttft) / (n_out - 1)")  # fmt: skip
def tpot_prefill(ttft_ms, e2e_ms, n_out):
    return e2e_ms / (n_out - 1) if n_out > 1 else float("nan")


@mutant("tpot-zero", "tpot_ms", caught_by="test_tpot_and_itl",
        says="one token has no gap behind it: 0 ms a token would be infinitely fast",
        fix="math.nan at n_out = 1")  # fmt: skip
def tpot_zero(ttft_ms, e2e_ms, n_out):
    return (e2e_ms - ttft_ms) / (n_out - 1) if n_out > 1 else 0.0


@mutant("itl-median", "mean_itl_ms", caught_by="test_tpot_and_itl",
        says="that is the median of the gaps",
        fix="their mean")  # fmt: skip
def itl_median(gaps_ms):
    return float(np.median(gaps_ms))


@mutant("step-over-length", "step_time_ms", caught_by="test_cycles_from_times",
        says="a cycle takes longer than a token, not less: it emits several",
        fix="time per token times tokens per cycle")  # fmt: skip
def step_over(tpot, length):
    return tpot / length


@mutant("cost-of-a-token", "cycle_cost", caught_by="test_cycles_from_times",
        says="that is the cost of a token; a cycle emits several of them",
        fix="tpot · length / baseline")  # fmt: skip
def cost_token(baseline_ms, tpot, length):
    return tpot / baseline_ms


@mutant("cost-upside-down", "cycle_cost", caught_by="test_cycles_from_times",
        says="upside down: the unit is one plain step, so divide by the baseline",
        fix="tpot · length / baseline")  # fmt: skip
def cost_inverted(baseline_ms, tpot, length):
    return baseline_ms / (tpot * length)


@mutant("target-pass-is-draft", "implied_c", caught_by="test_cycles_from_times",
        says="the target's own pass is in your c: take v off before you share the rest among k drafts",
        fix="(cost - v) / k")  # fmt: skip
def implied_no_v(cost, k, v):
    return cost / k


@mutant("v-is-one", "implied_c", caught_by="test_cycles_from_times",
        says="you take v to be 1, whatever is given",
        fix="(cost - v) / k")  # fmt: skip
def implied_v_one(cost, k, v):
    return (cost - 1) / k


# --- what a draft costs


@mutant("no-head", "c_from_weights", caught_by="test_c_from_weights",
        says="the output head is missing on the draft's side: it is two thirds of what EAGLE reads",
        fix="(layer + fc + head) / (layers · layer + head)")  # fmt: skip
def weights_no_head(layers, layer, fc, head):
    return (layer + fc) / (layers * layer + head)


@mutant("target-without-head", "c_from_weights", caught_by="test_c_from_weights",
        says="the target reads its head as well",
        fix="(layer + fc + head) / (layers · layer + head)")  # fmt: skip
def weights_target_no_head(layers, layer, fc, head):
    return (layer + fc + head) / (layers * layer)


@mutant("one-over-layers", "c_from_weights", caught_by="test_c_from_weights",
        says="one layer of many is not the whole story: fc and head are read as well",
        fix="(layer + fc + head) / (layers · layer + head)")  # fmt: skip
def weights_layers(layers, layer, fc, head):
    return 1 / layers


@mutant("line-swapped", "fit_cost_line", caught_by="test_fit_the_cost_line",
        says="height and slope are swapped: the slope over k is c",
        fix="return (c, v)")  # fmt: skip
def line_swapped(ks, tpots, lengths, baseline_ms):
    slope, height = np.polyfit(ks, [t * n / baseline_ms for t, n in zip(tpots, lengths, strict=True)], 1)
    return float(height), float(slope)


@mutant("line-through-one", "fit_cost_line", caught_by="test_fit_the_cost_line",
        says="you force the line through 1 at k = 0: a cycle has costs of its own, so v is more than 1",
        fix="fit slope and height")  # fmt: skip
def line_through_one(ks, tpots, lengths, baseline_ms):
    costs = np.array([t * n / baseline_ms for t, n in zip(tpots, lengths, strict=True)])
    return float(np.dot(ks, costs - 1) / np.dot(ks, ks)), 1.0


@mutant("line-through-the-ends", "fit_cost_line", caught_by="test_fit_the_cost_line",
        says="that is the line through the first and the last run alone",
        fix="least squares over all of them")  # fmt: skip
def line_ends(ks, tpots, lengths, baseline_ms):
    costs = [t * n / baseline_ms for t, n in zip(tpots, lengths, strict=True)]
    slope = (costs[-1] - costs[0]) / (ks[-1] - ks[0])
    return slope, costs[0] - slope * ks[0]


@mutant("line-of-times", "fit_cost_line", caught_by="test_fit_the_cost_line",
        says="the line is in milliseconds: divide by the baseline",
        fix="fit tpot · length / baseline over k")  # fmt: skip
def line_of_times(ks, tpots, lengths, baseline_ms):
    c, v = np.polyfit(ks, [t * n for t, n in zip(tpots, lengths, strict=True)], 1)
    return float(c), float(v)


@mutant("readings-swapped", "readings", caught_by="test_two_readings",
        says="the two readings are swapped: with the bonus, x is all that comes out",
        fix="with_bonus: x tokens a cycle; without_bonus: x + 1")  # fmt: skip
def readings_swapped(x, k, cost):
    return {"with_bonus": (cost * (x + 1) - 1) / k, "without_bonus": (cost * x - 1) / k}


@mutant("readings-one-less", "readings", caught_by="test_two_readings",
        says="without the bonus there are x accepted drafts and one more token, x + 1, not x - 1",
        fix="without_bonus: x + 1 tokens a cycle")  # fmt: skip
def readings_less(x, k, cost):
    return {"with_bonus": (cost * x - 1) / k, "without_bonus": (cost * (x - 1) - 1) / k}


# --- reconcile


@mutant("alpha-is-the-rate", "reconcile", caught_by="test_reconcile",
        says="alpha is not accepted over drafted: that charges it for drafts nobody looked at",
        fix="the alpha at which (1 - alpha^(k+1)) / (1 - alpha) is the acceptance length")  # fmt: skip
def reconcile_rate(counters, baseline_ms, tpot_ms, k):
    length = mean_acceptance_length(counters)
    return {
        "acceptance_rate": draft_acceptance_rate(counters), "per_position": per_position_rates(counters),
        "conditional": conditional_rates(counters), "mean_acceptance_length": length,
        "alpha": draft_acceptance_rate(counters), "c": implied_c(cycle_cost(baseline_ms, tpot_ms, length), k, 1.0),
    }  # fmt: skip


@mutant("alpha-is-the-first", "reconcile", caught_by="test_reconcile",
        says="the first position's rate is not alpha: deeper drafts are accepted less often",
        fix="the alpha at which (1 - alpha^(k+1)) / (1 - alpha) is the acceptance length")  # fmt: skip
def reconcile_first(counters, baseline_ms, tpot_ms, k):
    length = mean_acceptance_length(counters)
    return {
        "acceptance_rate": draft_acceptance_rate(counters), "per_position": per_position_rates(counters),
        "conditional": conditional_rates(counters), "mean_acceptance_length": length,
        "alpha": per_position_rates(counters)[0], "c": implied_c(cycle_cost(baseline_ms, tpot_ms, length), k, 1.0),
    }  # fmt: skip


@mutant("c-from-tpot-alone", "reconcile", caught_by="test_reconcile",
        says="c from the time of a token: a cycle emits several",
        fix="cycle cost first: tpot · length / baseline")  # fmt: skip
def reconcile_token(counters, baseline_ms, tpot_ms, k):
    length = mean_acceptance_length(counters)
    return {
        "acceptance_rate": draft_acceptance_rate(counters), "per_position": per_position_rates(counters),
        "conditional": conditional_rates(counters), "mean_acceptance_length": length,
        "alpha": alpha_of(length, k), "c": implied_c(tpot_ms / baseline_ms, k, 1.0),
    }  # fmt: skip


# --- audit, crossing


@mutant("audit-upside-down", "audit", caught_by="test_audit",
        says="speed-up is baseline over tpot, not the other way",
        fix="compare claimed with baseline / tpot")  # fmt: skip
def audit_inverted(ks, tpots, claimed, baseline_ms):
    return [k for k, t, s in zip(ks, tpots, claimed, strict=True) if abs(s / (t / baseline_ms) - 1) > 0.02]


@mutant("audit-too-high-only", "audit", caught_by="test_audit",
        says="a claim can be too low as well",
        fix="take the absolute difference")  # fmt: skip
def audit_high(ks, tpots, claimed, baseline_ms):
    return [k for k, t, s in zip(ks, tpots, claimed, strict=True) if s / (baseline_ms / t) - 1 > 0.02]


@mutant("audit-absolute", "audit", caught_by="test_audit",
        says="you allow a difference of 0.02, whatever the speed-up is",
        fix="2 % of what the times say")  # fmt: skip
def audit_absolute(ks, tpots, claimed, baseline_ms):
    return [k for k, t, s in zip(ks, tpots, claimed, strict=True) if abs(s - baseline_ms / t) > 0.02]


@mutant("crossing-needs-loss", "crossing", caught_by="test_crossing",
        says="a speed-up of exactly 1 does not win any more",
        fix="the first batch whose speed-up is 1 or less")  # fmt: skip
def crossing_loss(batches, speedups):
    for i in range(1, len(batches)):
        if speedups[i - 1] > 1 > speedups[i]:
            return [batches[i - 1], batches[i]]
    return []


@mutant("crossing-never-won", "crossing", caught_by="test_crossing",
        says="what never won cannot lose its win",
        fix="[] where the speed-up was never above 1")  # fmt: skip
def crossing_never(batches, speedups):
    for i in range(1, len(batches)):
        if speedups[i] <= 1:
            return [batches[i - 1], batches[i]]
    return []


# --- predict, forecast


@mutant("predict-sums-rates", "predict", caught_by="test_predict",
        says="the rates are conditional: a deep position counts only if all before it were accepted",
        fix="1 + the sum of the running products")  # fmt: skip
def predict_sums(baseline_ms, k, rates, c, v, s):
    tau, cost = 1 + sum(rates[:k]), v + k * (c + s)
    return {"tau": tau, "tpot": baseline_ms * cost / tau, "speedup": tau / cost}


@mutant("predict-all-rates", "predict", caught_by="test_predict",
        says="more rates are given than drafts are made: only the first k count",
        fix="rates[:k]")  # fmt: skip
def predict_all(baseline_ms, k, rates, c, v, s):
    tau, cost = 1 + float(np.cumprod(rates).sum()), v + k * (c + s)
    return {"tau": tau, "tpot": baseline_ms * cost / tau, "speedup": tau / cost}


@mutant("predict-free-cycle", "predict", caught_by="test_predict",
        says="you take v to be 1, whatever is given",
        fix="a cycle costs v + k·(c + s)")  # fmt: skip
def predict_v(baseline_ms, k, rates, c, v, s):
    tau, cost = 1 + float(np.cumprod(rates[:k]).sum()), 1 + k * (c + s)
    return {"tau": tau, "tpot": baseline_ms * cost / tau, "speedup": tau / cost}


@mutant("predict-idle", "predict", caught_by="test_predict",
        says="s is missing: on a busy GPU each verified token costs",
        fix="a cycle costs v + k·(c + s)")  # fmt: skip
def predict_idle(baseline_ms, k, rates, c, v, s):
    tau, cost = 1 + float(np.cumprod(rates[:k]).sum()), v + k * c
    return {"tau": tau, "tpot": baseline_ms * cost / tau, "speedup": tau / cost}


@mutant("forecast-flat", "forecast", caught_by="test_forecast_deeper_runs",
        says="one flat rate for every position: deeper runs then look a tenth faster than they are, or more",
        fix="let each further rate fall as the last two did")  # fmt: skip
def forecast_flat(baseline_ms, tpot, rates, c, ks):
    length = 1 + float(np.cumprod(rates).sum())
    v = tpot * length / baseline_ms - len(rates) * c
    alpha = alpha_of(length, len(rates))
    return [predict(baseline_ms, k, [alpha] * k, c, v, 0.0)["tpot"] for k in ks]


@mutant("forecast-last-rate", "forecast", caught_by="test_forecast_deeper_runs",
        says="the last known rate goes on for ever: it falls further with every position",
        fix="let each further rate fall as the last two did")  # fmt: skip
def forecast_last(baseline_ms, tpot, rates, c, ks):
    length = 1 + float(np.cumprod(rates).sum())
    v = tpot * length / baseline_ms - len(rates) * c
    deeper = [*rates, *[rates[-1]] * 20]
    return [predict(baseline_ms, k, deeper, c, v, 0.0)["tpot"] for k in ks]


@mutant("forecast-without-v", "forecast", caught_by="test_forecast_deeper_runs",
        says="v is 1 in your forecast: the run you know says that a cycle costs more than the target's pass",
        fix="v = its cycle cost less k·c")  # fmt: skip
def forecast_no_v(baseline_ms, tpot, rates, c, ks):
    fall = rates[-1] / rates[-2]
    deeper = [*rates]
    while len(deeper) < max(ks):
        deeper.append(deeper[-1] * fall)
    return [predict(baseline_ms, k, deeper, c, 1.0, 0.0)["tpot"] for k in ks]
