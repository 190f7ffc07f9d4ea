"""What students get wrong in lab-04. Each mutant is appended to the solution and takes one function's place."""

from labkit.mutation import mutant

# --- expected_tokens


@mutant("no-own-token", "expected_tokens", caught_by="test_expected_tokens_by_hand",
        says="the target's own token is missing: the cap is k + 1, not k",
        fix="the sum starts at j = 0")  # fmt: skip
def expected_tokens_no_own(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha, k")
    return float(sum(alpha**j for j in range(1, k + 1)))


@mutant("last-term-missing", "expected_tokens", caught_by="test_expected_tokens_by_hand",
        says="the last term is missing: alpha^k, the chance that all drafts survive, brings the bonus",
        fix="k + 1 terms: j = 0 … k; in closed form the exponent is k + 1")  # fmt: skip
def expected_tokens_last_term(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha, k")
    return float(sum(alpha**j for j in range(k)))


@mutant("one-term-too-many", "expected_tokens", caught_by="test_expected_tokens_by_hand",
        says="one term too many: k drafts and the target's own token are k + 1 at most",
        fix="j = 0 … k")  # fmt: skip
def expected_tokens_extra(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha, k")
    return float(sum(alpha**j for j in range(k + 2)))


@mutant("linear", "expected_tokens", caught_by="test_expected_tokens_by_hand",
        says="1 + k·alpha: that goes on counting after the first refusal",
        fix="draft j only counts if all before it survived: alpha^j")  # fmt: skip
def expected_tokens_linear(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha, k")
    return 1.0 + k * alpha


@mutant("divides-by-zero", "expected_tokens", caught_by="test_expected_tokens_limits",
        says="the closed form divides by 1 - alpha, which is 0 at alpha = 1",
        fix="give alpha = 1 its own line, or add up the powers")  # fmt: skip
def expected_tokens_zero_division(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha, k")
    return (1 - alpha ** (k + 1)) / (1 - alpha)


@mutant("endless-drafts", "expected_tokens", caught_by="test_expected_tokens_by_hand",
        says="1 / (1 - alpha) is the limit for endless drafts; here the cycle stops after k",
        fix="(1 - alpha^(k+1)) / (1 - alpha)")  # fmt: skip
def expected_tokens_endless(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha, k")
    return 1 / (1 - alpha) if alpha < 1 and k > 0 else k + 1.0


@mutant("accepts-anything", "expected_tokens", caught_by="test_expected_tokens_refuses_impossible_arguments",
        says="impossible arguments give a number instead of ValueError",
        fix="check alpha and k first")  # fmt: skip
def expected_tokens_accepts(alpha, k):
    return float(sum(alpha**j for j in range(k + 1)))


# --- expected_tokens_positional


@mutant("sums-the-rates", "expected_tokens_positional", caught_by="test_positional_rates",
        says="1 + the sum of the rates: each rate only applies if all before it were accepted",
        fix="add up running products")  # fmt: skip
def positional_sums(rates):
    return 1.0 + float(sum(rates))


@mutant("mean-rate", "expected_tokens_positional", caught_by="test_positional_rates",
        says="the mean of the rates in the formula: early positions weigh more than late ones",
        fix="add up running products")  # fmt: skip
def positional_mean(rates):
    return expected_tokens(float(np.mean(rates)), len(rates))


@mutant("positional-no-own-token", "expected_tokens_positional", caught_by="test_positional_rates",
        says="the target's own token is missing",
        fix="1 + the sum of the running products")  # fmt: skip
def positional_no_own(rates):
    return float(np.cumprod(rates).sum())


# --- speedup, saturated_speedup


@mutant("target-pass-free", "speedup", caught_by="test_speedup_by_hand",
        says="you divide by k·c alone: the target's own pass costs 1",
        fix="cost of a cycle = 1 + k·c")  # fmt: skip
def speedup_no_pass(alpha, k, c):
    return expected_tokens(alpha, k) / (k * c) if k * c else 1.0


@mutant("drafts-free", "speedup", caught_by="test_speedup_by_hand",
        says="drafting costs nothing in your formula",
        fix="cost of a cycle = 1 + k·c")  # fmt: skip
def speedup_free(alpha, k, c):
    return expected_tokens(alpha, k)


@mutant("one-draft-paid", "speedup", caught_by="test_speedup_by_hand",
        says="you pay for one draft per cycle; there are k",
        fix="cost of a cycle = 1 + k·c")  # fmt: skip
def speedup_one_paid(alpha, k, c):
    return expected_tokens(alpha, k) / (1 + c) if k else 1.0


@mutant("pays-the-bonus", "speedup", caught_by="test_speedup_by_hand",
        says="you pay c for k + 1 tokens; the last one is the target's own",
        fix="cost of a cycle = 1 + k·c")  # fmt: skip
def speedup_pays_bonus(alpha, k, c):
    return expected_tokens(alpha, k) / (1 + (k + 1) * c)


@mutant("saturation-once", "saturated_speedup", caught_by="test_saturated_speedup",
        says="s is paid once per cycle; it is the price of each verified token",
        fix="cost of a cycle = 1 + k·(c + s)")  # fmt: skip
def saturated_once(alpha, k, c, s):
    return expected_tokens(alpha, k) / (1 + k * c + s) if k else 1.0


@mutant("saturation-ignored", "saturated_speedup", caught_by="test_saturated_speedup",
        says="s makes no difference in your formula",
        fix="cost of a cycle = 1 + k·(c + s)")  # fmt: skip
def saturated_ignored(alpha, k, c, s):
    return expected_tokens(alpha, k) / (1 + k * c)


# --- optimal_k


@mutant("always-speculates", "optimal_k", caught_by="test_optimal_k_is_sometimes_zero",
        says="0 is not among your candidates: sometimes it is best not to speculate",
        fix="k runs from 0")  # fmt: skip
def optimal_k_from_one(alpha, c, k_max):
    return max(range(1, k_max + 1), key=lambda k: speedup(alpha, k, c), default=0)


@mutant("k-max-left-out", "optimal_k", caught_by="test_optimal_k_is_the_best",
        says="k_max itself is not among your candidates",
        fix="range(k_max + 1)")  # fmt: skip
def optimal_k_short_range(alpha, c, k_max):
    return max(range(max(k_max, 1)), key=lambda k: speedup(alpha, k, c))


@mutant("largest-of-ties", "optimal_k", caught_by="test_optimal_k_is_sometimes_zero",
        says="a tie goes to the larger k; it belongs to the smaller one",
        fix="only a strictly larger speed-up replaces the best so far")  # fmt: skip
def optimal_k_last(alpha, c, k_max):
    return max(range(k_max, -1, -1), key=lambda k: speedup(alpha, k, c))


@mutant("most-tokens", "optimal_k", caught_by="test_optimal_k_is_the_best",
        says="you maximise tokens per cycle; what counts is the speed-up, cost included",
        fix="compare speedup(alpha, k, c)")  # fmt: skip
def optimal_k_tokens(alpha, c, k_max):
    return max(range(k_max + 1), key=lambda k: expected_tokens(alpha, k)) if alpha > c else 0


@mutant("speedup-itself", "optimal_k", caught_by="test_optimal_k_by_hand",
        says="you return one less than the best k: an index into a list that starts at k = 1?",
        fix="let the list of candidates start at k = 0")  # fmt: skip
def optimal_k_off_by_one(alpha, c, k_max):
    return max(0, max(range(k_max + 1), key=lambda k: speedup(alpha, k, c)) - 1)


# --- simulate


@mutant("counts-on-after-refusal", "simulate", caught_by="test_simulate_follows_the_law",
        says="you go on counting after the first refusal",
        fix="a draft counts only if all before it were accepted: a running product")  # fmt: skip
def simulate_counts_on(alpha, k, cycles, rng):
    return 1 + (rng.random((cycles, k)) < alpha).sum(axis=1)


@mutant("counts-drafts", "simulate", caught_by="test_simulate_shape_and_limits",
        says="you count accepted drafts, not emitted tokens: the target's own token is missing",
        fix="one more per cycle")  # fmt: skip
def simulate_counts_drafts(alpha, k, cycles, rng):
    return np.cumprod(rng.random((cycles, k)) < alpha, axis=1).sum(axis=1)


@mutant("one-coin-per-cycle", "simulate", caught_by="test_simulate_follows_the_law",
        says="one coin decides the whole cycle: all drafts or none",
        fix="draw a coin per draft")  # fmt: skip
def simulate_one_coin(alpha, k, cycles, rng):
    return np.where(rng.random(cycles) < alpha, k + 1, 1)


@mutant("refuses-with-alpha", "simulate", caught_by="test_simulate_follows_the_law",
        says="alpha is taken for the chance of a refusal",
        fix="accepted where rng.random() < alpha")  # fmt: skip
def simulate_refuses(alpha, k, cycles, rng):
    return 1 + np.cumprod(rng.random((cycles, k)) >= alpha, axis=1).sum(axis=1)


@mutant("same-cycle-again", "simulate", caught_by="test_simulate_follows_the_law",
        says="every cycle is the same: the coins are drawn once and repeated",
        fix="draw cycles · k coins")  # fmt: skip
def simulate_repeats(alpha, k, cycles, rng):
    return np.full(cycles, 1 + np.cumprod(rng.random(k) < alpha).sum())


@mutant("global-generator", "simulate", caught_by="test_simulate_draws_from_rng_alone",
        says="you drew from numpy's global generator",
        fix="draw from rng")  # fmt: skip
def simulate_global(alpha, k, cycles, rng):
    return 1 + np.cumprod(np.random.random((cycles, k)) < alpha, axis=1).sum(axis=1)


@mutant("rounded-mean", "simulate", caught_by="test_simulate_follows_the_law",
        says="every cycle is the mean: simulate plays the game, it does not compute its average",
        fix="draw coins from rng")  # fmt: skip
def simulate_mean(alpha, k, cycles, rng):
    return np.full(cycles, round(expected_tokens(alpha, k)))


# --- implied_alpha, implied_cost


@mutant("draft-acceptance-rate", "implied_alpha", caught_by="test_implied_alpha",
        says="that is accepted over drafted, (tokens - 1) / k: it charges alpha for drafts nobody looked at",
        fix="find the alpha at which expected_tokens gives these tokens")  # fmt: skip
def implied_alpha_rate(tokens_per_cycle, k):
    return (tokens_per_cycle - 1) / k


@mutant("endless-inverse", "implied_alpha", caught_by="test_implied_alpha",
        says="1 - 1 / tokens undoes 1 / (1 - alpha), the limit for endless drafts",
        fix="find the alpha at which expected_tokens gives these tokens")  # fmt: skip
def implied_alpha_endless(tokens_per_cycle, k):
    return 1 - 1 / tokens_per_cycle


@mutant("own-pass-forgotten", "implied_cost", caught_by="test_implied_cost",
        says="the target's own pass is still in it",
        fix="take 1 off the cost of the cycle before you divide by k")  # fmt: skip
def implied_cost_with_pass(tokens_per_cycle, k, measured_speedup):
    return tokens_per_cycle / measured_speedup / k


@mutant("cost-of-all-drafts", "implied_cost", caught_by="test_implied_cost",
        says="that is the cost of all k drafts; c is the cost of one",
        fix="divide by k")  # fmt: skip
def implied_cost_all(tokens_per_cycle, k, measured_speedup):
    return tokens_per_cycle / measured_speedup - 1
