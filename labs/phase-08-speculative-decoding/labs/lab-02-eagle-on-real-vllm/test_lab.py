"""The spec of lab-02's arithmetic. All exact: counters and times are made here, by an engine of our own, played out.

The oracle plays cycles token by token and watches them as vLLM does, so it shares no formula with a submission.
Published numbers stand beside it, each with its source.
"""

import numpy as np

#: What a float32 solution may lose where two nearly equal numbers are subtracted.
LOOSE = 2e-4
#: vLLM issue 20780, EAGLE-1 on Llama-3.1-8B, batch 1: k -> tokens per cycle, ms per token; plain decoding took 7.07 ms.
VANILLA_MS = 7.07
PUBLISHED = {2: (2.10, 4.37), 3: (2.29, 4.29), 4: (2.39, 4.48), 5: (2.43, 4.71), 6: (2.45, 4.94), 7: (2.47, 5.20)}
#: The speed-ups that the same table claims.
CLAIMED = {2: 1.618, 3: 1.648, 4: 1.568, 5: 1.610, 6: 1.544, 7: 1.360}
#: Llama-3-8B's weights and EAGLE's, in millions: one layer, the fusing fc, the head over 128k tokens.
LAYERS, LAYER, FC, HEAD = 32, 218.1, 33.6, 525.3


# --- the oracle


class Engine:
    """Plays speculative cycles and keeps count of them as vLLM does: nothing is computed from a rate.

    One cycle in ten drafts a token less: a request ends within it.
    """

    def __init__(self, rng, rates):
        self.rng, self.rates = rng, rates
        self.counters = {"drafts": 0, "draft_tokens": 0, "accepted": 0, "per_pos": [0] * len(rates)}
        self.emitted = 0

    def play(self, cycles):
        """A copy of the counters after that many further cycles."""
        for *coins, ends in self.rng.random((cycles, len(self.rates) + 1)):
            drafted = max(1, len(self.rates) - int(ends < 0.1))
            self.counters["drafts"] += 1
            self.counters["draft_tokens"] += drafted
            self.emitted += 1
            for position in range(drafted):
                if coins[position] >= self.rates[position]:
                    break
                self.counters["per_pos"][position] += 1
                self.counters["accepted"] += 1
                self.emitted += 1
        return {**self.counters, "per_pos": list(self.counters["per_pos"])}


def some_rates(rng, k):
    """k conditional rates as a drafter has them: worse with depth, none 0 or 1."""
    first, fall = rng.uniform(0.55, 0.95), rng.uniform(0.85, 0.99)
    return [float(first * fall**i) for i in range(k)]


def played(rng, cycles=400, k=None):
    """Counters of a fresh run of k drafts, at least one token accepted at each position, and the engine."""
    k = int(rng.integers(2, 8)) if k is None else k
    engine = Engine(rng, some_rates(rng, k))
    counters = engine.play(cycles)
    while min(counters["per_pos"]) == 0:
        counters = engine.play(cycles)
    return counters, engine


def tokens(rates):
    """Tokens of a cycle, summed over the ways it can end."""
    total, reached = 0.0, 1.0
    for i, rate in enumerate(rates):
        total += (i + 1) * reached * (1 - rate)
        reached *= rate
    return total + (len(rates) + 1) * reached


def histogram(counts):
    """Counters of a run in which counts[n] cycles accepted n drafts."""
    k = len(counts) - 1
    per_pos = [sum(counts[n + 1 :]) for n in range(k)]
    return {"drafts": sum(counts), "draft_tokens": k * sum(counts), "accepted": sum(per_pos), "per_pos": per_pos}


# --- stage 1: counters


def test_counters_delta(expect, rng):
    for k in (1, 3, 6):
        engine = Engine(rng, some_rates(rng, k))
        before, after = engine.play(40), engine.play(60)
        fresh = {
            **{name: after[name] - before[name] for name in ("drafts", "draft_tokens", "accepted")},
            "per_pos": [b - a for a, b in zip(before["per_pos"], after["per_pos"], strict=True)],
        }
        expect.call("counters_delta", before, after).equals(fresh)
        expect.call("counters_delta", after, after).equals({**dict.fromkeys(fresh, 0), "per_pos": [0] * k})
    expect.error(ValueError, "counters_delta", after, before, because="the counters fell: the engine was restarted")
    fell = {**after, "per_pos": [*after["per_pos"][:-1], before["per_pos"][-1] - 1]}
    expect.error(ValueError, "counters_delta", before, fell, because="one position's counter fell")


def test_acceptance_by_hand(expect):
    documented = histogram([39, 1, 0, 3])  # vLLM's docs, acceptance histogram of 43 cycles at k = 3
    expect.call("mean_acceptance_length", documented).close(1.232558)
    expect.call("draft_acceptance_rate", documented).close(0.0775194)
    expect.call("mean_acceptance_length", histogram([0, 0, 0, 7])).close(4.0)
    expect.call("draft_acceptance_rate", histogram([0, 0, 0, 7])).close(1.0)


def test_acceptance_published(expect):
    """llama.cpp's log of a run: 87 drafts, 259 tokens drafted, 167 accepted; not every draft has three tokens."""
    run = {"drafts": 87, "draft_tokens": 259, "accepted": 167, "per_pos": [70, 55, 42]}
    expect.call("draft_acceptance_rate", run).close(0.644788)
    expect.call("mean_acceptance_length", run).close(2.919540)
    expect.call("per_position_rates", run).close([0.804598, 0.632184, 0.482759])


def test_the_bonus_counts_once(expect, rng):
    for _ in range(12):
        counters, engine = played(rng)
        expect.call("mean_acceptance_length", counters).close(engine.emitted / counters["drafts"])
        own = counters["drafts"]
        expect.call("draft_acceptance_rate", counters).close((engine.emitted - own) / counters["draft_tokens"])
    for k in (1, 4):
        nothing, everything = histogram([9, *[0] * k]), histogram([*[0] * k, 9])
        expect.call("mean_acceptance_length", nothing).close(1.0)
        expect.call("mean_acceptance_length", everything).close(k + 1.0)


def test_rates_by_position(expect, rng):
    expect.call("per_position_rates", histogram([1, 1, 1, 1])).close([0.75, 0.5, 0.25])
    expect.call("conditional_rates", histogram([1, 1, 1, 1])).close([0.75, 2 / 3, 0.5])
    for _ in range(12):
        counters, _ = played(rng)
        reached = [counters["drafts"], *counters["per_pos"]]
        expect.call("per_position_rates", counters).close([n / counters["drafts"] for n in counters["per_pos"]])
        pairs = zip(reached, counters["per_pos"], strict=False)
        expect.call("conditional_rates", counters).close([n / before for before, n in pairs])
    never = histogram([6, 4, 0, 0])
    expect.call("conditional_rates", never).close([0.4, 0.0, 0.0], advice="a position nobody reached has rate 0")


# --- stage 2: times


def test_tpot_and_itl(expect, rng):
    """vLLM's docs: chunks 40 ms apart that hold two tokens each are an ITL of 40 ms and a TPOT of 20 ms."""
    expect.call("tpot_ms", 100.0, 100.0 + 40.0 * 10, 21).close(20.0)
    expect.call("mean_itl_ms", [40.0] * 10).close(40.0)
    for _ in range(12):
        ttft, gaps = float(rng.uniform(20, 200)), [float(g) for g in rng.uniform(5, 60, size=int(rng.integers(2, 30)))]
        n_out = 1 + sum(int(n) for n in rng.integers(1, 5, size=len(gaps)))
        expect.call("tpot_ms", ttft, ttft + sum(gaps), n_out).close(sum(gaps) / (n_out - 1))
        expect.call("mean_itl_ms", gaps).close(sum(gaps) / len(gaps))
    one = expect.call("tpot_ms", 30.0, 30.0, 1)
    one.holds(bool(np.isnan(one.value)), expected="nan: one token has no gap behind it")


def test_cycles_from_times(expect, rng):
    """18.2 ms a token before, 9.6 ms after, 2.8 tokens a cycle."""
    expect.call("step_time_ms", 9.6, 2.8).close(26.88)
    expect.call("cycle_cost", 18.2, 9.6, 2.8).close(1.476923)
    expect.call("implied_c", 1.476923, 5, 1.0).close(0.0953846)
    for _ in range(20):
        k, (base, c, v) = int(rng.integers(1, 9)), (float(x) for x in rng.uniform((5, 0.03, 1), (40, 0.3, 1.3)))
        cost, length = v + k * c, float(rng.uniform(1, k + 1))
        cycle = base * cost
        expect.call("step_time_ms", cycle / length, length).close(cycle)
        expect.call("cycle_cost", base, cycle / length, length).close(cost)
        expect.call("implied_c", cost, k, v).close(c, tolerance=LOOSE)


# --- stage 3: what a draft costs


def test_c_from_weights(expect, rng):
    expect.call("c_from_weights", LAYERS, LAYER, FC, HEAD).close(0.103535)
    for _ in range(12):
        layers, layer, fc, head = int(rng.integers(4, 80)), *(float(x) for x in rng.uniform(10, 900, size=3))
        read, whole = layer + fc + head, sum([layer] * layers) + head
        expect.call("c_from_weights", layers, layer, fc, head).close(read / whole)


def test_fit_the_cost_line(expect, rng):
    ks = list(PUBLISHED)
    lengths, tpots = ([PUBLISHED[k][i] for k in ks] for i in (0, 1))
    c, v = fitted(ks, tpots, lengths, VANILLA_MS)
    expect.call("fit_cost_line", ks, tpots, lengths, VANILLA_MS).close((c, v), tolerance=LOOSE)
    for _ in range(8):
        ks = sorted(int(k) for k in rng.choice(np.arange(1, 13), size=5, replace=False))
        c, v, base = float(rng.uniform(0.03, 0.3)), float(rng.uniform(1, 1.3)), float(rng.uniform(5, 40))
        lengths = [tokens(some_rates(rng, k)) for k in ks]
        tpots = [base * (v + k * c) / length for k, length in zip(ks, lengths, strict=True)]
        expect.call("fit_cost_line", ks, tpots, lengths, base).close((c, v), tolerance=LOOSE)


def fitted(ks, tpots, lengths, base):
    """Least squares by the normal equations: float (slope, intercept)."""
    costs = [t * n / base for t, n in zip(tpots, lengths, strict=True)]
    rows = np.array([[k, 1.0] for k in ks])
    slope, intercept = np.linalg.solve(rows.T @ rows, rows.T @ np.array(costs))
    return float(slope), float(intercept)


def test_two_readings(expect, rng):
    """A run made one way and read that way gives its own c back; one token more a cycle makes each draft dearer."""
    answer = expect.call("readings", 2.8, 5, 9.6 / 18.2)
    answer.close({"with_bonus": 0.0953846, "without_bonus": 0.200879}, tolerance=LOOSE)
    for _ in range(12):
        k, c = int(rng.integers(2, 9)), float(rng.uniform(0.05, 0.3))
        x = float(rng.uniform(1.2, k))
        made_with, made_without = (1 + k * c) / x, (1 + k * c) / (x + 1)
        wanted = {"with_bonus": c, "without_bonus": c + made_with / k}
        expect.call("readings", x, k, made_with).close(wanted, tolerance=LOOSE)
        wanted = {"with_bonus": c - made_without / k, "without_bonus": c}
        expect.call("readings", x, k, made_without).close(wanted, tolerance=LOOSE)


# --- stage 4: reconcile


def test_reconcile(expect, rng):
    for _ in range(12):
        counters, engine = played(rng, cycles=600)
        k = len(counters["per_pos"])
        length = engine.emitted / counters["drafts"]
        base, c = float(rng.uniform(5, 40)), float(rng.uniform(0.05, 0.3))
        tpot = base * (1 + k * c) / length
        answer = expect.call("reconcile", counters, base, tpot, k)
        reached = [counters["drafts"], *counters["per_pos"]]
        wanted = {
            "acceptance_rate": counters["accepted"] / counters["draft_tokens"],
            "per_position": [n / counters["drafts"] for n in counters["per_pos"]],
            "conditional": [n / before for before, n in zip(reached, counters["per_pos"], strict=False)],
            "mean_acceptance_length": length,
            "alpha": flat(length, k),
            "c": c,
        }
        answer.close(wanted, tolerance=LOOSE)


def flat(length, k):
    """The one rate that gives that length, by a polynomial's root: float in 0 … 1."""
    roots = np.roots([*[1.0] * k, 1.0 - length])
    real = [float(r.real) for r in roots if abs(r.imag) < 1e-9 and -1e-9 <= r.real <= 1 + 1e-9]
    return real[0]


def test_audit(expect, rng):
    """The published table claims 1.610 at k = 5 and 1.544 at k = 6, which its own times contradict."""
    tpots = [PUBLISHED[k][1] for k in CLAIMED]
    expect.call("audit", list(CLAIMED), tpots, list(CLAIMED.values()), VANILLA_MS).equals([5, 6])
    for _ in range(8):
        ks = list(range(1, 9))
        base, tpots = float(rng.uniform(5, 40)), [float(t) for t in rng.uniform(3, 30, size=8)]
        even, *off = (int(k) for k in rng.choice(ks, size=4, replace=False))
        tpots[even - 1] = base  # a run that gains nothing: its claim holds whichever way it is read
        sign = [float(s) for s in rng.choice([-1, 1], size=8)]
        claims = [base / t * (1 + s * (0.03 if k in off else 0.015)) for k, t, s in zip(ks, tpots, sign, strict=True)]
        expect.call("audit", ks, tpots, claims, base).equals(sorted(off))


def test_crossing(expect, rng):
    """EAGLE-3, table 5: chain of k = 2 in vLLM, speed-up by batch size."""
    expect.call("crossing", [2, 24, 32, 56], [1.30, 1.03, 0.93, 0.71]).equals([24, 32])
    expect.call("crossing", [2, 56], [1.75, 1.01]).equals([])
    expect.call("crossing", [1, 8, 32], [1.4, 1.0, 0.8]).equals([1, 8])
    expect.call("crossing", [1, 8], [0.9, 0.8]).equals([])
    expect.call("crossing", [1, 8, 16, 32], [1.4, 0.99, 1.02, 0.8]).equals([1, 8])
    for _ in range(8):
        batches = sorted(int(b) for b in rng.choice(np.arange(1, 200), size=7, replace=False))
        winning = int(rng.integers(0, 8))
        wins, losses = rng.uniform(1.01, 2.0, size=winning), rng.uniform(0.4, 0.99, size=7 - winning)
        speedups = [float(s) for s in [*sorted(wins, reverse=True), *sorted(losses, reverse=True)]]
        lost = batches[winning - 1 : winning + 1] if 0 < winning < 7 else []
        expect.call("crossing", batches, speedups).equals(lost)


# --- stage 5: predict


def test_predict(expect, rng):
    expect.call("predict", 18.2, 5, [0.677349] * 5, 0.0953846, 1.0, 0.0).close(
        {"tau": 2.8, "tpot": 9.6, "speedup": 1.895833}, tolerance=LOOSE
    )
    for _ in range(30):
        rates = some_rates(rng, 8)
        k, base = int(rng.integers(1, 9)), float(rng.uniform(5, 40))
        c, v, s = (float(x) for x in rng.uniform((0.02, 1.0, 0.0), (0.3, 1.3, 1.0)))
        tau, cost = tokens(rates[:k]), v + k * c + k * s
        wanted = {"tau": tau, "tpot": base * cost / tau, "speedup": tau / cost}
        expect.call("predict", base, k, rates, c, v, s).close(wanted, tolerance=LOOSE)


def test_forecast_deeper_runs(expect, rng):
    """From one run at k = 3 to runs at 4 … 8 of the same engine, within 2 %: one flat rate is off by 9 % and more.

    Rates that go on falling by the same amount instead of the same factor are off by 1.6 % at most.
    """
    for _ in range(6):
        first, fall = float(rng.uniform(0.72, 0.9)), float(rng.uniform(0.86, 0.92))
        c, v, base = float(rng.uniform(0.06, 0.14)), float(rng.uniform(1.05, 1.15)), float(rng.uniform(5, 30))
        rates = [first * fall**i for i in range(8)]
        tpots = {k: base * (v + k * c) / tokens(rates[:k]) for k in (3, 4, 5, 6, 7, 8)}
        ks = [4, 5, 6, 7, 8]
        expect.call("forecast", base, tpots[3], rates[:3], c, ks).close(
            [tpots[k] for k in ks],
            tolerance=0.02,
            advice="acceptance falls with depth: let it fall on as it did in the run you know, and give v its share",
        )
