"""Known mistakes of lab 03. The ids of the step's and the runs' mistakes are also the alternatives of the laws."""

from labkit.mutation import mutant

# ------------------------------------------------------------------------------------------------- accept_prob


@mutant(
    "accept-prob-inverted", "accept_prob", caught_by="test_accept_prob_is_the_capped_ratio",
    says="the ratio is upside down: you divide q by p (in Chen et al. the letters are swapped: q is their target)",
    fix="here p is the target and q the drafter: what the drafter says too often is thinned out by p[x] / q[x]",
)  # fmt: skip
def accept_prob_inverted(p, q, x):
    return float(min(1.0, q[x] / p[x])) if p[x] > 0 else 1.0


@mutant(
    "accept-prob-is-target", "accept_prob", caught_by="test_accept_prob_by_hand",
    says="you keep the draft with probability p[x], as if the drafter had proposed it for certain",
    fix="the drafter proposes x with probability q[x] only: divide by it",
)  # fmt: skip
def accept_prob_is_target(p, q, x):
    return float(p[x])


@mutant(
    "accept-prob-one-minus-excess", "accept_prob", caught_by="test_accept_prob_by_hand",
    says="you subtract the excess q[x] - p[x] instead of taking the ratio",
    fix="of the mass q[x] exactly p[x] must survive: which fraction is that?",
)  # fmt: skip
def accept_prob_one_minus_excess(p, q, x):
    return float(min(1.0, 1.0 - (q[x] - p[x])))


@mutant(
    "accept-prob-zero-draft", "accept_prob", caught_by="test_accept_prob_where_one_side_is_zero",
    says="you answer 0 where q[x] is 0, but the target does want that token",
    fix="q[x] = 0 and p[x] > 0: nothing to thin out, the answer is 1 (rule 3)",
)  # fmt: skip
def accept_prob_zero_draft(p, q, x):
    return float(min(1.0, p[x] / q[x])) if q[x] > 0 else 0.0


@mutant(
    "accept-prob-hard", "accept_prob", caught_by="test_accept_prob_by_hand",
    says="you keep the draft only where p[x] >= q[x], and never otherwise: that is a threshold, not a probability",
    fix="a draft with p[x] < q[x] is kept some of the time: p[x] / q[x]",
)  # fmt: skip
def accept_prob_hard(p, q, x):
    return 1.0 if p[x] >= q[x] else 0.0


# --------------------------------------------------------------------------------------------- acceptance_rate


@mutant(
    "rate-sum-of-products", "acceptance_rate", caught_by="test_acceptance_rate_is_the_overlap",
    says="sum(p * q) is the chance that two independent samples agree (sample and compare): exact too, but wasteful",
    fix="the rule keeps more: sum over the tokens what both sides have in common",
)  # fmt: skip
def acceptance_rate_sum_of_products(p, q):
    return float((p * q).sum())


@mutant(
    "rate-is-the-distance", "acceptance_rate", caught_by="test_acceptance_rate_is_the_overlap",
    says="this is the total variation distance, the chance of a refusal",
    fix="the acceptance rate is one minus that",
)  # fmt: skip
def acceptance_rate_is_the_distance(p, q):
    return float(abs(p - q).sum() / 2)


@mutant(
    "rate-unweighted", "acceptance_rate", caught_by="test_acceptance_rate_is_the_overlap",
    says="you average the acceptance probabilities as if every token were drafted equally often",
    fix="token x is drafted with probability q[x]: weight with it",
)  # fmt: skip
def acceptance_rate_unweighted(p, q):
    return float(np.mean([accept_prob(p, q, x) for x in range(len(p))]))


@mutant(
    "rate-weighted-by-target", "acceptance_rate", caught_by="test_acceptance_rate_is_the_overlap",
    says="you weight the acceptance probabilities with p, but drafts are drawn from q",
    fix="sum q[x] * min(1, p[x] / q[x])",
)  # fmt: skip
def acceptance_rate_weighted_by_target(p, q):
    return float(sum(p[x] * accept_prob(p, q, x) for x in range(len(p))))


# ---------------------------------------------------------------------------------------------------- residual


@mutant(
    "residual-not-normalised", "residual", caught_by="test_residual_by_hand",
    says="your residual sums to 1 - alpha, not to 1",
    fix="divide what is owed by its own sum",
)  # fmt: skip
def residual_not_normalised(p, q):
    owed = np.maximum(p - q, 0.0)
    return owed if owed.any() else p.copy()


@mutant(
    "residual-nan", "residual", caught_by="test_residual_of_equal_distributions",
    says="NaN: p == q leaves an empty residual, and you divide it by its sum, 0",
    fix="where nothing is owed return p itself (rule 4)",
)  # fmt: skip
def residual_nan(p, q):
    owed = np.maximum(p - q, 0.0)
    with np.errstate(invalid="ignore"):
        return owed / owed.sum()


@mutant(
    "residual-flipped", "residual", caught_by="test_residual_by_hand",
    says="your residual lives where q > p: those tokens were said too often already",
    fix="what is owed is where the target likes a token more: p - q",
)  # fmt: skip
def residual_flipped(p, q):
    owed = np.maximum(q - p, 0.0)
    return owed / owed.sum() if owed.any() else p.copy()


@mutant(
    "residual-absolute", "residual", caught_by="test_residual_by_hand",
    says="you take |p - q|: tokens with q > p are overdrawn, nothing of them is owed",
    fix="clip negative differences to 0 instead of dropping their sign",
)  # fmt: skip
def residual_absolute(p, q):
    owed = abs(p - q)
    return owed / owed.sum() if owed.any() else p.copy()


@mutant(
    "residual-overwrites-p", "residual", caught_by="test_residual_by_hand",
    says="you compute in place: the caller's p is gone (a bug vllm-ascend once shipped)",
    fix="p -= q changes the caller's array; p - q makes a new one",
)  # fmt: skip
def residual_overwrites_p(p, q):
    p -= q
    p[p < 0] = 0.0
    if p.sum() > 0:
        p /= p.sum()
    return p


# ----------------------------------------------------------------------------------------- output_distribution


@mutant(
    "output-forgets-corrections", "output_distribution", caught_by="test_output_distribution_is_the_target",
    says="you count kept drafts only: the sum is alpha, not 1",
    fix="a token can also be the correction of a refused draft: add that part",
)  # fmt: skip
def output_distribution_forgets_corrections(p, q):
    return np.minimum(p, q)


@mutant(
    "output-corrections-from-target", "output_distribution", caught_by="test_output_distribution_is_the_target",
    says="your corrections are drawn from p: tokens that were kept are paid twice",
    fix="a refused draft is replaced from the residual",
)  # fmt: skip
def output_distribution_corrections_from_target(p, q):
    kept = np.minimum(p, q)
    return kept + (1 - kept.sum()) * p


@mutant(
    "output-unweighted-residual", "output_distribution", caught_by="test_output_distribution_is_the_target",
    says="you add the whole residual, but a correction happens only with probability 1 - alpha",
    fix="weight the residual with the chance of a refusal",
)  # fmt: skip
def output_distribution_unweighted_residual(p, q):
    return np.minimum(p, q) + residual(p, q)


# -------------------------------------------------------------------------- speculative_step: the correction


@mutant(
    "resamples-from-target", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="a refused draft is resampled from p: from what is owed (the residual), not from p",
    fix="use residual(p, q) after a refusal",
)  # fmt: skip
def step_resamples_from_target(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return _sample(p, rng), False


@mutant(
    "resamples-from-draft", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="a refused draft is replaced by another sample of the drafter",
    fix="use residual(p, q) after a refusal",
)  # fmt: skip
def step_resamples_from_draft(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return _sample(q, rng), False


@mutant(
    "resamples-without-draft", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="you strike the refused token out of p and resample: right for an n-gram drafter (one-hot q), wrong else",
    fix="every token the drafter says too often is overdrawn, not only this one: residual(p, q)",
)  # fmt: skip
def step_resamples_without_draft(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    rest = p.copy()
    rest[x] = 0.0
    return _sample(rest, rng), False


@mutant(
    "flipped-residual", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="corrections come from where q > p: tokens that were said too often already",
    fix="max(p - q, 0), not max(q - p, 0)",
)  # fmt: skip
def step_flipped_residual(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return _sample(residual(q, p), rng), False


@mutant(
    "absolute-residual", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="corrections follow |p - q|: tokens where q > p still appear after a refusal; the residual must be 0 there",
    fix="clip negative differences to 0",
)  # fmt: skip
def step_absolute_residual(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return _sample(abs(p - q), rng), False


@mutant(
    "argmax-residual", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the correction is always the most owed token: the residual is a distribution, sample from it",
    fix="draw from residual(p, q) with rng",
)  # fmt: skip
def step_argmax_residual(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return int(np.argmax(p - q)), False


@mutant(
    "uniform-residual", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="all owed tokens are drawn equally often, however much of them is owed",
    fix="in proportion to p - q",
)  # fmt: skip
def step_uniform_residual(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return int(rng.choice(np.flatnonzero(p > q))) if (p > q).any() else x, False


@mutant(
    "target-on-owed-tokens", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="corrections come from the right tokens but in proportion to p, as if nothing of them had been said yet",
    fix="in proportion to p - q: what the drafter says of them is paid already",
)  # fmt: skip
def step_target_on_owed_tokens(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return _sample(np.where(p > q, p, 0.0), rng), False


@mutant(
    "softmax-residual", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="you put a softmax over the differences: p and q are probabilities already, not logits",
    fix="normalising means dividing by the sum",
)  # fmt: skip
def step_softmax_residual(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    return _sample(np.where(p > q, np.exp(p - q), 0.0), rng), False


@mutant(
    "residual-not-scaled", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the residual is not divided by its sum: its CDF ends at 1 - alpha and the rest falls to the last token",
    fix="normalise before you sample",
)  # fmt: skip
def step_residual_not_scaled(p, q, x, rng):
    if rng.random() < accept_prob(p, q, x):
        return x, True
    cdf = np.cumsum(np.maximum(p - q, 0.0))
    return min(int(np.searchsorted(cdf, rng.random(), side="right")), len(p) - 1), False


@mutant(
    "coin-used-twice", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the same uniform decides and picks the correction: it is above the acceptance probability already",
    fix="draw a second number for the correction",
)  # fmt: skip
def step_coin_used_twice(p, q, x, rng):
    u = rng.random()
    if u < accept_prob(p, q, x):
        return x, True
    return min(int(np.searchsorted(np.cumsum(residual(p, q)), u, side="right")), len(p) - 1), False


# -------------------------------------------------------------------------------- speculative_step: the coin


@mutant(
    "inverted-ratio", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the ratio is upside down: q / p (in Chen et al. the letters are swapped: q is their target)",
    fix="accept with p[x] / q[x]",
)  # fmt: skip
def step_inverted_ratio(p, q, x, rng):
    if rng.random() * p[x] < q[x]:
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "hard-accept", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="you keep the draft exactly where p[x] >= q[x]: a threshold, no coin",
    fix="toss a coin: rng.random() < p[x] / q[x]",
)  # fmt: skip
def step_hard_accept(p, q, x, rng):
    if p[x] >= q[x]:
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "always-accepts", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="every draft is kept: the output follows the drafter, not the target",
    fix="refuse with probability 1 - p[x] / q[x]",
)  # fmt: skip
def step_always_accepts(p, q, x, rng):
    rng.random()
    return x, True


@mutant(
    "never-accepts", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="every draft is refused, also those the target likes more: was the comparison the wrong way round?",
    fix="rng.random() < accept_prob(p, q, x) keeps the draft",
)  # fmt: skip
def step_never_accepts(p, q, x, rng):
    return _sample(residual(p, q), rng), False


@mutant(
    "accepts-with-target-prob", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the draft is kept with probability p[x], as if the drafter had proposed it for certain",
    fix="divide by q[x]",
)  # fmt: skip
def step_accepts_with_target_prob(p, q, x, rng):
    if rng.random() < p[x]:
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "accepts-with-overlap", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="every draft is kept with the average rate alpha, whichever token it is",
    fix="the coin depends on x: accept_prob(p, q, x)",
)  # fmt: skip
def step_accepts_with_overlap(p, q, x, rng):
    if rng.random() < acceptance_rate(p, q):
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "squared-ratio", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="drafts are kept with the square of p[x] / q[x]: is the coin tossed twice?",
    fix="one coin per draft",
)  # fmt: skip
def step_squared_ratio(p, q, x, rng):
    if max(rng.random(), rng.random()) < accept_prob(p, q, x):
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "smoothed-ratio", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="an epsilon in the denominator is large enough to change the acceptance probability",
    fix="treat q[x] = 0 on its own instead of adding something to q",
)  # fmt: skip
def step_smoothed_ratio(p, q, x, rng):
    if rng.random() < p[x] / (q[x] + 0.01):
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "rounded-ratio", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the acceptance probability is rounded to tenths",
    fix="compare with the ratio itself",
)  # fmt: skip
def step_rounded_ratio(p, q, x, rng):
    if rng.random() < round(accept_prob(p, q, x), 1):
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "coarse-coin", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="the coin has ten sides: a draft with ratio 0.41 is kept as often as one with 0.5",
    fix="compare rng.random() with the ratio",
)  # fmt: skip
def step_coarse_coin(p, q, x, rng):
    if rng.integers(10) / 10 < accept_prob(p, q, x):
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "ignores-draft", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="you sample the target and ignore the draft: right in distribution, and not a step of speculative decoding",
    fix="x is the draft; keep it with accept_prob(p, q, x)",
)  # fmt: skip
def step_ignores_draft(p, q, x, rng):
    token = _sample(p, rng)
    return token, token == x


# --------------------------------------------------------------------- speculative_step: the flag and the stream


@mutant(
    "flag-inverted", "speculative_step", caught_by="test_step_flag_says_whether_the_draft_was_kept",
    says="the flag is the wrong way round: it says refused where you kept the draft",
    fix="True for a kept draft",
)  # fmt: skip
def step_flag_inverted(p, q, x, rng):
    token, accepted = _step(p, q, x, rng)
    return token, not accepted


@mutant(
    "flag-from-comparison", "speculative_step", caught_by="test_step_flag_says_whether_the_draft_was_kept",
    says="the flag tells whether p[x] >= q[x], not whether this draft was kept",
    fix="decide once, then return the token and that decision",
)  # fmt: skip
def step_flag_from_comparison(p, q, x, rng):
    token, _ = _step(p, q, x, rng)
    return token, bool(p[x] >= q[x])


@mutant(
    "global-stream", "speculative_step", caught_by="test_step_draws_from_rng_alone",
    says="you drew from the global numpy generator",
    fix="draw from rng, the argument",
)  # fmt: skip
def step_global_stream(p, q, x, rng):
    if np.random.random() < accept_prob(p, q, x):
        return x, True
    return _sample(residual(p, q), rng), False


@mutant(
    "fixed-seed", "speculative_step", caught_by="test_step_law_for_chosen_drafts",
    says="a generator with a fixed seed is made in each call: every call tosses the same coin",
    fix="draw from rng, the argument",
)  # fmt: skip
def step_fixed_seed(p, q, x, rng):
    return _step(p, q, x, np.random.default_rng(0))


# ---------------------------------------------------------------------------------------- verify: what is emitted


@mutant(
    "emits-rejected", "verify", caught_by="test_verify_greedy_limit",
    says="you emitted the refused draft token in front of its correction",
    fix="the correction takes its place",
)  # fmt: skip
def verify_emits_rejected(P, Q, draft, rng):
    tokens = []
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        tokens.append(x)
        if not accepted:
            return [*tokens, token]
    return [*tokens, _sample(P[-1], rng)]


@mutant(
    "continues-after-rejection", "verify", caught_by="test_verify_greedy_limit",
    says="you went on after a refusal: the rows behind it belong to a context that no longer exists",
    fix="stop at the first refusal",
)  # fmt: skip
def verify_continues_after_rejection(P, Q, draft, rng):
    return [*[speculative_step(P[j], Q[j], x, rng)[0] for j, x in enumerate(draft)], _sample(P[-1], rng)]


@mutant(
    "drops-correction", "verify", caught_by="test_verify_greedy_limit",
    says="you stop at a refusal without its correction: that token is already paid for",
    fix="append the correction, then stop",
)  # fmt: skip
def verify_drops_correction(P, Q, draft, rng):
    tokens = []
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return tokens
        tokens.append(token)
    return [*tokens, _sample(P[-1], rng)]


@mutant(
    "no-bonus", "verify", caught_by="test_verify_accepts_all_and_adds_the_bonus",
    says="no bonus token: all k drafts kept give k + 1 tokens (the law of the text stays right, you only go slower)",
    fix="draw one more token from P[k]",
)  # fmt: skip
def verify_no_bonus(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return list(draft) if len(draft) else [_sample(P[0], rng)]


@mutant(
    "bonus-after-rejection", "verify", caught_by="test_verify_greedy_limit",
    says="you add the bonus after a refusal too: its row belongs to a context that no longer exists",
    fix="the bonus is for runs without a refusal",
)  # fmt: skip
def verify_bonus_after_rejection(P, Q, draft, rng):
    tokens = []
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        tokens.append(token)
        if not accepted:
            break
    return [*tokens, _sample(P[-1], rng)]


@mutant(
    "needs-a-draft", "verify", caught_by="test_verify_without_a_draft",
    says="nothing comes back for an empty draft: without a draft the bonus is all there is",
    fix="k = 0 is not special: no draft is refused, so draw from P[0]",
)  # fmt: skip
def verify_needs_a_draft(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(P[-1], rng)] if len(draft) else []


# --------------------------------------------------------------------------------------------- verify: which coin


@mutant(
    "one-coin-for-all", "verify", caught_by="test_verify_law",
    says="one uniform is drawn for the whole run: the drafts are kept or refused together",
    fix="a fresh coin per draft",
)  # fmt: skip
def verify_one_coin_for_all(P, Q, draft, rng):
    u = rng.random()
    for j, x in enumerate(draft):
        if not u < accept_prob(P[j], Q[j], x):
            return [*draft[:j], _sample(residual(P[j], Q[j]), rng)]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "multiplied-ratios", "verify", caught_by="test_verify_law",
    says="the ratios are multiplied along the run: each draft is judged by its own row alone",
    fix="accept_prob(P[j], Q[j], draft[j]), nothing carried over",
)  # fmt: skip
def verify_multiplied_ratios(P, Q, draft, rng):
    product = 1.0
    for j, x in enumerate(draft):
        product *= P[j][x] / Q[j][x]
        if not rng.random() < product:
            return [*draft[:j], _sample(residual(P[j], Q[j]), rng)]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "correction-with-the-same-coin", "verify", caught_by="test_verify_law",
    says="the uniform that refused the draft also picks the correction",
    fix="draw another number for the correction",
)  # fmt: skip
def verify_correction_with_the_same_coin(P, Q, draft, rng):
    for j, x in enumerate(draft):
        u = rng.random()
        if not u < accept_prob(P[j], Q[j], x):
            cdf = np.cumsum(residual(P[j], Q[j]))
            return [*draft[:j], min(int(np.searchsorted(cdf, u, side="right")), len(cdf) - 1)]
    return [*draft, _sample(P[-1], rng)]


# ---------------------------------------------------------------------------------------------- verify: which row


@mutant(
    "first-target-row", "verify", caught_by="test_verify_law",
    says="every draft is judged by P[0]: draft[1] as if draft[0] had not been accepted",
    fix="row j belongs to draft j",
)  # fmt: skip
def verify_first_target_row(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[0], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "first-draft-row", "verify", caught_by="test_verify_law",
    says="every draft is judged against Q[0]: the first token's law is right, later ones are not",
    fix="row j belongs to draft j, in Q as well",
)  # fmt: skip
def verify_first_draft_row(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[0], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "target-rows-one-late", "verify", caught_by="test_verify_law",
    says="draft[j] is judged by P[j + 1]: one row late (openvino.genai had this one)",
    fix="P[j] is the target after draft[:j], so it speaks about draft[j]",
)  # fmt: skip
def verify_target_rows_one_late(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j + 1], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "correction-from-target", "verify", caught_by="test_verify_law",
    says="a refused draft is resampled from its row of P instead of the residual",
    fix="residual(P[j], Q[j])",
)  # fmt: skip
def verify_correction_from_target(P, Q, draft, rng):
    for j, x in enumerate(draft):
        if not rng.random() < accept_prob(P[j], Q[j], x):
            return [*draft[:j], _sample(P[j], rng)]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "correction-from-next-row", "verify", caught_by="test_verify_law",
    says="the correction of draft[j] comes from row j + 1 of P",
    fix="the refused position is j: residual(P[j], Q[j])",
)  # fmt: skip
def verify_correction_from_next_row(P, Q, draft, rng):
    for j, x in enumerate(draft):
        if not rng.random() < accept_prob(P[j], Q[j], x):
            return [*draft[:j], _sample(residual(P[j + 1], Q[j]), rng)]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "correction-from-last-row", "verify", caught_by="test_verify_law",
    says="the correction of a refused draft is drawn from the bonus row P[k]",
    fix="P[k] is for runs without a refusal; here residual(P[j], Q[j])",
)  # fmt: skip
def verify_correction_from_last_row(P, Q, draft, rng):
    for j, x in enumerate(draft):
        if not rng.random() < accept_prob(P[j], Q[j], x):
            return [*draft[:j], _sample(P[-1], rng)]
    return [*draft, _sample(P[-1], rng)]


@mutant(
    "bonus-from-last-judged-row", "verify", caught_by="test_verify_law",
    says="the bonus is drawn from P[k - 1], the row that judged the last draft",
    fix="the bonus comes after the whole draft: the last row, P[k]",
)  # fmt: skip
def verify_bonus_from_last_judged_row(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(P[max(len(draft) - 1, 0)], rng)]


@mutant(
    "bonus-from-drafter", "verify", caught_by="test_verify_law",
    says="the bonus is drawn from a row of Q: the drafter's word is not enough, the target's row is P[k]",
    fix="draw it from P[k]",
)  # fmt: skip
def verify_bonus_from_drafter(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(Q[-1] if len(draft) else P[0], rng)]


@mutant(
    "bonus-from-residual", "verify", caught_by="test_verify_law",
    says="the bonus is drawn from a residual: nothing was drafted there, so nothing is overdrawn",
    fix="draw it from P[k] as it is",
)  # fmt: skip
def verify_bonus_from_residual(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, _sample(residual(P[-1], Q[-1]) if len(draft) else P[0], rng)]


@mutant(
    "greedy-bonus", "verify", caught_by="test_verify_law",
    says="the bonus is the most likely token of P[k]: it must be sampled like every other",
    fix="draw it from P[k] with rng",
)  # fmt: skip
def verify_greedy_bonus(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, int(np.argmax(P[-1]))]


@mutant(
    "verify-global-stream", "verify", caught_by="test_verify_draws_from_rng_alone",
    says="you drew from the global numpy generator",
    fix="hand rng on to everything that draws",
)  # fmt: skip
def verify_global_stream(P, Q, draft, rng):
    for j, x in enumerate(draft):
        token, accepted = speculative_step(P[j], Q[j], x, rng)
        if not accepted:
            return [*draft[:j], token]
    return [*draft, int(np.random.choice(P.shape[1], p=P[-1]))]
