"""The spec of lab-04. All exact but two tests: simulate is judged by its law and its mean, at the lab's budget.

The oracle plays out every way a cycle can end, so it shares no formula with a geometric series. Inputs keep off the
places where a right closed form in float32 loses digits: alpha up to 0.95 or exactly 1, or a tolerance that says so.
"""

import numpy as np
from labkit.laws import Design

#: (1 - alpha^(k+1)) / (1 - alpha) in float32 at alpha = 0.999: one rounding of 6e-8 over a difference of 1e-3.
NEAR_ONE = 5e-4
#: A solver's own stopping rule, in alpha.
SOLVED = 1e-4
#: The smallest errors of simulate worth catching: in the chance of an outcome, and in the mean, relative to it.
OFF, MEAN_OFF = 0.04, 0.01


# --- the oracle


def tokens(rates):
    """Tokens of a cycle, summed over the ways it can end: refused at position i, or never."""
    total, reached = 0.0, 1.0
    for i, rate in enumerate(rates):
        total += (i + 1) * reached * (1 - rate)
        reached *= rate
    return total + (len(rates) + 1) * reached


def gain(alpha, k, c, s=0.0):
    return tokens([alpha] * k) / (1 + k * c + k * s)


def law(alpha, k):
    """float[k+1]: the chances of 1 … k+1 tokens."""
    return np.array([alpha**j * (1 - alpha) for j in range(k)] + [alpha**k])


def some(rng, n, low, high):
    return [round(float(x), 6) for x in rng.uniform(low, high, size=n)]


def check(expect, function, calls, wanted, tolerance=1e-5):
    for answer, value in zip(expect.calls(function, calls), wanted, strict=True):
        answer.close(value, tolerance=tolerance)


def ordered(expect, function, lines, **how):
    """Each of the lines of calls must rise or fall; all are asked in one message."""
    answers = iter(expect.calls(function, [call for line in lines for call in line]))
    for line in lines:
        expect.ordered([next(answers) for _ in line], **how)


# --- stage 1


def test_expected_tokens_by_hand(expect):
    expect.call("expected_tokens", 0.5, 1).close(1.5)
    expect.call("expected_tokens", 0.8, 4).close(3.3616)
    expect.call("expected_tokens", 0.25, 2).close(1.3125)


def test_expected_tokens_limits(expect, rng):
    ks = [0, 1, 2, 5, 16, 40]
    check(expect, "expected_tokens", [(1.0, k) for k in ks], [k + 1.0 for k in ks])
    check(expect, "expected_tokens", [(0.0, k) for k in ks], [1.0] * len(ks))
    check(expect, "expected_tokens", [(a, 0) for a in some(rng, 6, 0.05, 0.95)], [1.0] * 6)
    check(expect, "expected_tokens", [(1, 3), (0, 3)], [4.0, 1.0])
    calls = [(0.999, k) for k in (1, 4, 9)]
    check(expect, "expected_tokens", calls, [tokens([0.999] * k) for _, k in calls], NEAR_ONE)


def test_expected_tokens_everywhere(expect, rng):
    calls = [(a, int(k)) for a, k in zip(some(rng, 60, 0.02, 0.95), rng.integers(1, 24, size=60), strict=True)]
    check(expect, "expected_tokens", calls, [tokens([a] * k) for a, k in calls])
    rates = [(round(0.1 * i + 0.05, 2), int(rng.integers(1, 9))) for i in range(10)]
    ordered(expect, "expected_tokens", [[(a, k) for a, _ in rates] for _, k in rates[:3]], by="alpha")
    ordered(expect, "expected_tokens", [[(a, k) for k in range(9)] for a, _ in rates[4:]], by="k")


def test_expected_tokens_refuses_impossible_arguments(expect, rng):
    above, below = some(rng, 1, 1.05, 2.0)[0], -some(rng, 1, 0.05, 1.0)[0]
    expect.error(ValueError, "expected_tokens", above, 3, because="alpha > 1")
    expect.error(ValueError, "expected_tokens", below, 3, because="alpha < 0")
    expect.error(ValueError, "expected_tokens", 0.5, -1, because="k < 0")
    expect.error(ValueError, "expected_tokens", below, 0, because="alpha < 0")


def test_positional_rates(expect, rng):
    expect.call("expected_tokens_positional", [0.5, 0.5]).close(1.75)
    expect.call("expected_tokens_positional", [0.76, 0.69, 0.67, 0.68, 0.68]).close(3.0369, tolerance=2e-4)
    expect.call("expected_tokens_positional", [0.9, 0.0, 0.9]).close(1.9)
    calls = [(some(rng, int(rng.integers(1, 12)), 0.05, 0.98),) for _ in range(40)]
    calls += [([a] * int(rng.integers(1, 9)),) for a in some(rng, 8, 0.1, 0.95)]
    check(expect, "expected_tokens_positional", calls, [tokens(rates) for (rates,) in calls])


# --- stage 2


def settings(rng, n):
    """(alpha, k, c), away from cancellation."""
    ks = [int(k) for k in rng.integers(1, 20, size=n)]
    return list(zip(some(rng, n, 0.05, 0.95), ks, some(rng, n, 0.01, 0.6), strict=True))


def test_speedup_by_hand(expect):
    expect.call("speedup", 0.8, 4, 0.05).close(2.801333)
    expect.call("speedup", 0.5, 1, 0.5).close(1.0)
    expect.call("speedup", 0.7, 0, 0.3).close(1.0)
    expect.call("speedup", 0.8, 4, 0.0).close(3.3616)


def test_speedup_everywhere(expect, rng):
    calls = settings(rng, 40)
    check(expect, "speedup", calls, [gain(*call) for call in calls])
    free = [(a, k, 0.0) for a, k, _ in settings(rng, 10)]
    check(expect, "speedup", free, [gain(*call) for call in free])
    idle = [(a, 0, c) for a, _, c in settings(rng, 6)]
    check(expect, "speedup", idle, [1.0] * 6)
    check(expect, "speedup", [(1.0, 5, 0.1), (0.0, 5, 0.1)], [4.0, 1 / 1.5])
    lines = settings(rng, 3)
    ordered(expect, "speedup", [[(a, k, i / 10) for i in range(10)] for a, k, _ in lines], by="c", rising=False)
    ordered(expect, "speedup", [[(i / 10, k, c) for i in range(11)] for _, k, c in lines], by="alpha", strict=False)


def test_saturated_speedup(expect, rng):
    calls = [(*call, s) for call, s in zip(settings(rng, 40), some(rng, 40, 0.05, 1.0), strict=True)]
    check(expect, "saturated_speedup", calls, [gain(*call) for call in calls])
    idle = [(*call, 0.0) for call in settings(rng, 8)]
    check(expect, "saturated_speedup", idle, [gain(*call) for call in idle])
    full = [(*call, 1.0) for call in settings(rng, 8)]
    for answer, call in zip(expect.calls("saturated_speedup", full), full, strict=True):
        answer.holds(
            answer.value < 1.0, expected="less than 1: a saturated GPU cannot win", name="saturated never wins"
        )
        answer.close(gain(*call))
    check(expect, "saturated_speedup", [(0.6, 0, 0.2, 0.7)], [1.0])


# --- stage 3


def test_optimal_k_by_hand(expect):
    calls = [(alpha, c, 32) for alpha in (0.8, 0.6) for c in (0.01, 0.05, 0.1, 0.2, 0.4)]
    for answer, k in zip(expect.calls("optimal_k", calls), (14, 8, 6, 4, 2, 7, 4, 3, 2, 1), strict=True):
        answer.equals(k)


def test_optimal_k_is_the_best(expect, rng):
    calls = [(a, c, int(rng.integers(0, 33))) for a, _, c in settings(rng, 60) if abs(a - c) >= 0.02]
    calls += [(1.0, c, 7) for c in some(rng, 3, 0.05, 0.9)]
    for (alpha, c, k_max), answer in zip(calls, expect.calls("optimal_k", calls), strict=True):
        answer.best([gain(alpha, k, c) for k in range(k_max + 1)], of="speed-up")


def test_optimal_k_is_sometimes_zero(expect, rng):
    below = [
        (a, round(a + float(gap), 6), 8)
        for a, gap in zip(some(rng, 10, 0, 0.9), rng.uniform(0.02, 0.5, 10), strict=True)
    ]
    for answer in expect.calls("optimal_k", below):
        answer.equals(0, advice="where a draft costs more than it brings, the best k is 0: do not speculate")
    for k_max in (1, 4, 16):
        expect.call("optimal_k", 0.0, 0.0, k_max).equals(0, advice="all k are equally fast here: the smallest one is 0")
    expect.call("optimal_k", 0.9, 0.1, 0).equals(0, advice="k_max = 0 leaves no choice")
    above = [(round(c + 0.03, 6), c, 8) for c in some(rng, 6, 0.05, 0.9)]
    for answer in expect.calls("optimal_k", above):
        answer.holds(
            answer.value > 0, expected="more than 0: alpha > c, so one draft pays", name="optimal_k above break-even"
        )


# --- stage 4


def test_simulate_shape_and_limits(expect, rng):
    for alpha, k, n in ((0.7, 4, 300), (0.3, 1, 200), (0.95, 8, 200), (0.6, 0, 50)):
        answer = expect.call("simulate", alpha, k, n, rng)
        cycles = answer.value
        answer.holds(len(cycles) == n, expected=f"{n} numbers, one per cycle", yours=f"{len(cycles)} numbers")
        low, high = int(cycles.min()), int(cycles.max())
        answer.holds(
            low >= 1 and high <= k + 1,
            expected=f"numbers from 1 to {k + 1}",
            yours=f"numbers from {low} to {high}",
            advice="the target's own token always comes out, and one refusal ends the cycle",
        )


def cycle_settings(rng):
    """Three (alpha, k), with digits nobody rounds to."""
    ranges = ((0.52, 0.62, 2), (0.68, 0.79, 4), (0.81, 0.88, 6))
    return [(round(float(rng.uniform(low, high)), 4), k) for low, high, k in ranges]


def mistakes(alpha, k):
    """float[k+1] each: the law of 1 … k+1 tokens under the named mistakes."""
    n = np.arange(k + 1)
    choose = np.array([float(np.prod(np.arange(k - j + 1, k + 1)) / np.prod(np.arange(1, j + 1))) for j in n])
    one_coin = np.zeros(k + 1)
    one_coin[0], one_coin[-1] = 1 - alpha, alpha
    return {
        "counts-on-after-refusal": choose * alpha**n * (1 - alpha) ** (k - n),
        "one-coin-per-cycle": one_coin,
        "refuses-with-alpha": law(1 - alpha, k),
        "fair-coin": law(0.5, k),
        "evenly-spread": np.full(k + 1, 1 / (k + 1)),
    }


def pairs(row):
    """The law of two cycles in a row, which are independent: float[(k+1)²]."""
    return np.outer(row, row).ravel()


def designed(cycles, of, what, outcome):
    """The design whose row c is `of` the law of cycles[c], for the right simulation and each named mistake."""
    width = max(len(of(law(alpha, k))) for alpha, k in cycles)

    def table(laws):
        return np.array([np.pad(of(row), (0, width - len(of(row)))) for row in laws])

    named = {name: table([mistakes(alpha, k)[name] for alpha, k in cycles]) for name in mistakes(0.5, 2)}
    labels = [f"{what} of simulate({alpha}, {k}, cycles, rng)" for alpha, k in cycles]
    null = table([law(alpha, k) for alpha, k in cycles])
    return Design(null, labels, [outcome(i) for i in range(width)], named, cap=60_000, effect=OFF)


def checked_cycles(expect, impl, asked, rng):
    """For each of the asked (alpha, k, n) n simulated cycles, each from 1 to k + 1."""
    answers = impl.batch("simulate", [(*one, rng) for one in asked])
    for cycles, (alpha, k, n) in zip(answers, asked, strict=True):
        given = f"simulate({alpha}, {k}, {n}, rng)"
        expect.that(
            len(cycles) == n, function="simulate", given=given, expected=f"{n} numbers", yours=f"{len(cycles)} numbers"
        )
        expect.that(
            bool(np.all((cycles >= 1) & (cycles <= k + 1))),
            function="simulate",
            given=given,
            expected=f"numbers from 1 to {k + 1}",
            yours=f"numbers from {cycles.min()} to {cycles.max()}",
            advice="the target's own token always comes out, and one refusal ends the cycle",
        )
    return answers


def watch(expect, impl, rng, cycles, per_outcome, combine):
    """A draw function for expect.law: `per_outcome` cycles make one outcome."""

    def draw(contexts):
        seen = np.empty(len(contexts), dtype=np.int64)
        numbers, counts = np.unique(contexts, return_counts=True)
        asked = [(*cycles[number], per_outcome * int(n)) for number, n in zip(numbers, counts, strict=True)]
        for number, found in zip(numbers, checked_cycles(expect, impl, asked, rng), strict=True):
            seen[contexts == number] = combine(found - 1, cycles[number][1])
        return seen

    return draw


def test_simulate_follows_the_law(expect, impl, rng):
    cycles = cycle_settings(rng)
    design = designed(cycles, lambda row: row, "one cycle", lambda i: f"{i + 1} token{'s' if i else ''}")
    expect.law("law of one cycle", "simulate", design, watch(expect, impl, rng, cycles, 1, lambda n, k: n), rng)

    alpha, k = round(float(rng.uniform(0.86, 0.92)), 4), 4  # the formula's own test: the mean of cycles is its value
    wanted = tokens([alpha] * k)
    expect.mean(
        f"mean tokens of simulate({alpha}, {k}, cycles, rng)", "simulate", wanted, 1, k + 1, MEAN_OFF * wanted,
        lambda n, rng: checked_cycles(expect, impl, [(alpha, k, n)], rng)[0], rng,
    )  # fmt: skip


def test_simulate_cycles_are_independent(expect, impl, rng):
    cycles = cycle_settings(rng)
    design = designed(cycles, pairs, "two neighbouring cycles", lambda i: f"combination {i + 1}")
    draw = watch(expect, impl, rng, cycles, 2, lambda n, k: n[::2] * (k + 1) + n[1::2])
    expect.law("law of neighbouring cycles", "simulate", design, draw, rng)


def test_simulate_draws_from_rng_alone(expect, impl, rng):
    seed = int(rng.integers(2**32))
    same = [impl.simulate(0.6, 5, 80, np.random.default_rng(seed)) for _ in range(2)]
    other = impl.simulate(0.6, 5, 80, np.random.default_rng(seed + 1))
    given = "simulate(alpha=0.6, k=5, cycles=80, rng), twice with the same stream"
    expect.that(
        np.array_equal(*same), function="simulate", given=given, expected="the same cycles", yours="different cycles",
        looks_like="randomness that does not come from rng: the global generator, or a clock",
        advice="draw with rng.random only",
    )  # fmt: skip
    expect.that(
        not np.array_equal(same[0], other), function="simulate", given="the same with another stream",
        expected="other cycles", yours="the very same cycles", looks_like="a generator seeded inside the function",
        advice="draw with rng.random only",
    )  # fmt: skip
    first, second = impl.batch("simulate", [(0.6, 5, 80, rng), (0.6, 5, 80, rng)])
    expect.that(
        not np.array_equal(first, second), function="simulate", given="two calls, one after the other, with one stream",
        expected="other cycles the second time", yours="the very same cycles",
        looks_like="rng is copied or reseeded inside, so that it never moves on", advice="draw from rng itself",
    )  # fmt: skip


# --- stage 5


def test_implied_alpha(expect, rng):
    check(expect, "implied_alpha", [(2.8, 5)], [0.677349], SOLVED)
    calls, wanted = [], []
    for alpha in some(rng, 24, 0.05, 0.95):
        k = int(rng.integers(1, 10))
        calls.append((tokens([alpha] * k), k))
        wanted.append(alpha)
    check(expect, "implied_alpha", calls, wanted, SOLVED)
    edges = [(1.0, 4), (5.0, 4), (2.0, 1)]
    check(expect, "implied_alpha", edges, [0.0, 1.0, 1.0], 1e-3)


def test_implied_cost(expect, rng):
    expect.call("implied_cost", 2.8, 5, 18.2 / 9.6).close(0.0954, tolerance=1e-4)
    calls, wanted = [], []
    for alpha, k, c in settings(rng, 30):
        calls.append((tokens([alpha] * k), k, gain(alpha, k, c)))
        wanted.append(c)
    check(expect, "implied_cost", calls, wanted, 2e-5)


# --- beyond the lab


def test_stretch_impossible_arguments(expect):
    expect.error(ValueError, "speedup", 0.5, 2, -0.1, because="c < 0")
    expect.error(ValueError, "saturated_speedup", 0.5, 2, 0.1, -0.1, because="s < 0")
    expect.error(ValueError, "implied_alpha", 0.5, 3, because="a cycle emits at least 1 token")
    expect.error(ValueError, "implied_alpha", 4.5, 3, because="a cycle of k = 3 emits at most 4 tokens")
    expect.error(ValueError, "optimal_k", 0.5, 0.1, -1, because="k_max < 0")


def test_stretch_certain_cycles(expect, rng):
    for alpha, k, every in ((0.0, 5, 1), (1.0, 5, 6), (1.0, 1, 2)):
        expect.call("simulate", alpha, k, 50, rng).equals(np.full(50, every))


def test_stretch_near_one(expect):
    for gap in (1e-6, 1e-9, 1e-12):
        expect.call("expected_tokens", 1 - gap, 8).close(9 - 36 * gap, tolerance=1e-9)
