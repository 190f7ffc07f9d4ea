"""What students get wrong in lab-01. Each mutant is appended to the solution and takes one function's place."""

from labkit.mutation import mutant

# --- propose


@mutant("most-recent-copy", "propose", caught_by="test_propose_earliest_copy_wins",
        says="you take the most recent copy of the suffix; the rule is the earliest",
        fix="walk the start from 0 upwards and return at the first match")  # fmt: skip
def propose_most_recent(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        for start in range(len(tokens) - n - 1, -1, -1):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n : start + n + k]
    return []


@mutant("shortest-suffix-first", "propose", caught_by="test_propose_longest_suffix_wins",
        says="you try short suffixes first; the longest that occurred before decides",
        fix="let n run from max_n down to min_n")  # fmt: skip
def propose_shortest_first(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min_n, min(max_n, len(tokens) - 1) + 1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n : start + n + k]
    return []


@mutant("matches-itself", "propose", caught_by="test_propose_by_hand",
        says="the suffix matched itself, so there is nothing after it",
        fix="stop the scan one place before the suffix: at least one token must follow")  # fmt: skip
def propose_matches_itself(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens)), min_n - 1, -1):
        for start in range(len(tokens) - n + 1):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n : start + n + k]
    return []


@mutant("no-overlapping-copy", "propose", caught_by="test_propose_overlap_and_end",
        says="you only look at copies that end before the suffix begins; overlapping ones count",
        fix="the copy may share tokens with the suffix: start goes up to len(context) - n - 1")  # fmt: skip
def propose_no_overlap(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) // 2), min_n - 1, -1):
        for start in range(len(tokens) - 2 * n + 1):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n : start + n + k]
    return []


@mutant("full-continuation-only", "propose", caught_by="test_propose_overlap_and_end",
        says="you skip copies that fewer than k tokens follow; a shorter draft is fine",
        fix="take what follows, up to k tokens")  # fmt: skip
def propose_full_only(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:] and start + n + k <= len(tokens):
                return tokens[start + n : start + n + k]
    return []


@mutant("copies-the-match", "propose", caught_by="test_propose_by_hand",
        says="you return the copy itself instead of what followed it",
        fix="the draft begins n tokens after the start of the copy")  # fmt: skip
def propose_copies_match(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start : start + k]
    return []


@mutant("one-token-late", "propose", caught_by="test_propose_by_hand",
        says="your draft begins one token late: the token right after the copy is missing",
        fix="the first token after the copy stands at start + n")  # fmt: skip
def propose_one_late(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n + 1 : start + n + 1 + k]
    return []


@mutant("no-clip-to-k", "propose", caught_by="test_propose_by_hand",
        says="your draft runs to the end of the context; k tokens at most were asked for",
        fix="cut the draft to k tokens")  # fmt: skip
def propose_no_clip(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n :]
    return []


@mutant("joined-strings", "propose", caught_by="test_propose_compares_tokens",
        says="you compare tokens as joined text, where 1 11 and 11 1 look the same",
        fix="compare lists of ints")  # fmt: skip
def propose_joined_strings(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        suffix = "".join(map(str, tokens[-n:]))
        for start in range(len(tokens) - n):
            if "".join(map(str, tokens[start : start + n])) == suffix:
                return tokens[start + n : start + n + k]
    return []


@mutant("ignores-min-n", "propose", caught_by="test_propose_longest_suffix_wins",
        says="you accept suffixes shorter than min_n",
        fix="stop at n = min_n")  # fmt: skip
def propose_ignores_min_n(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), 0, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n : start + n + k]
    return []


@mutant("longest-only", "propose", caught_by="test_propose_by_hand",
        says="you only try n = max_n; shorter suffixes come next where that finds nothing",
        fix="let n run from max_n down to min_n")  # fmt: skip
def propose_longest_only(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    n = max_n
    for start in range(len(tokens) - n):
        if tokens[start : start + n] == tokens[-n:]:
            return tokens[start + n : start + n + k]
    return []


@mutant("copies-past-the-end", "propose", caught_by="test_propose_overlap_and_end",
        says="your draft goes on past the end of the context by repeating itself; it ends with the context",
        fix="return what is there, even if it is shorter than k")  # fmt: skip
def propose_past_end(context, k, max_n, min_n=1):
    if k < 0 or not 1 <= min_n <= max_n:
        raise ValueError("k, min_n, max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                copy = tokens[start + n :]
                return [copy[i % len(copy)] for i in range(k)]
    return []


@mutant("accepts-anything", "propose", caught_by="test_propose_refuses_impossible_arguments",
        says="impossible arguments give an answer instead of ValueError",
        fix="check k, min_n and max_n first and raise ValueError")  # fmt: skip
def propose_accepts_anything(context, k, max_n, min_n=1):
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), max(min_n, 1) - 1, -1):
        for start in range(len(tokens) - n):
            if tokens[start : start + n] == tokens[-n:]:
                return tokens[start + n : start + n + max(k, 0)]
    return []


# --- verify


@mutant("keeps-void-drafts", "verify", caught_by="test_verify_leading_run_only",
        says="you kept a draft behind a refused one, although its context no longer exists",
        fix="stop at the first draft that differs")  # fmt: skip
def verify_keeps_void(draft, greedy):
    return [d for d, g in zip(draft, greedy, strict=False) if d == g] + [greedy[len(draft)]]


@mutant("emits-refused-draft", "verify", caught_by="test_verify_correction",
        says="you emitted the refused draft token instead of the target's own",
        fix="at the first difference add greedy[m], not draft[m]")  # fmt: skip
def verify_emits_refused(draft, greedy):
    m = 0
    while m < len(draft) and draft[m] == greedy[m]:
        m += 1
    return [*draft[:m], draft[m] if m < len(draft) else greedy[m]]


@mutant("no-bonus", "verify", caught_by="test_verify_bonus",
        says="the bonus token is missing: where all drafts hold, greedy's last token is free",
        fix="add greedy[len(draft)] after a full acceptance")  # fmt: skip
def verify_no_bonus(draft, greedy):
    m = 0
    while m < len(draft) and draft[m] == greedy[m]:
        m += 1
    return [*draft[:m], greedy[m]][: max(1, len(draft))]


@mutant("no-correction", "verify", caught_by="test_verify_correction",
        says="0 tokens for a refused draft: the target's own token is free, use it",
        fix="add greedy[m] after the accepted run")  # fmt: skip
def verify_no_correction(draft, greedy):
    m = 0
    while m < len(draft) and draft[m] == greedy[m]:
        m += 1
    return list(draft[:m]) if m < len(draft) else [*draft, greedy[m]]


@mutant("judged-one-late", "verify", caught_by="test_verify_by_hand",
        says="your draft[j] is compared with the target's token after draft[j], one late",
        fix="greedy[j] judges draft[j]")  # fmt: skip
def verify_one_late(draft, greedy):
    m = 0
    while m < len(draft) and draft[m] == greedy[m + 1]:
        m += 1
    return [*draft[:m], greedy[m]]


@mutant("correction-from-the-end", "verify", caught_by="test_verify_correction",
        says="the correction is taken from the end of greedy; it stands where the first draft differs",
        fix="add greedy[m], with m the number of accepted drafts")  # fmt: skip
def verify_correction_from_end(draft, greedy):
    m = 0
    while m < len(draft) and draft[m] == greedy[m]:
        m += 1
    return [*draft[:m], greedy[-1]]


@mutant("all-or-nothing", "verify", caught_by="test_verify_by_hand",
        says="one wrong draft throws all away; the accepted run before it is good",
        fix="keep the drafts before the first difference")  # fmt: skip
def verify_all_or_nothing(draft, greedy):
    return list(greedy) if list(draft) == list(greedy[:-1]) else [greedy[0]]


# --- generate


@mutant("stale-context", "generate", caught_by="test_generate_equals_plain_decoding",
        says="every run starts from the prompt again; what was committed belongs to the context",
        fix="context = prompt + tokens, anew in each cycle")  # fmt: skip
def generate_stale_context(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        draft = propose(prompt, k, max_n, min_n)
        emitted = verify(draft, target(list(prompt), draft))[: max_new_tokens - len(tokens)]
        tokens += emitted
        runs.append(len(emitted))
        if eos in emitted:
            break
    return tokens, runs


@mutant("drafts-from-the-prompt", "generate", caught_by="test_generate_saves_runs",
        says="you draft from the prompt alone; the text written since is the better source",
        fix="propose(prompt + tokens, ...)")  # fmt: skip
def generate_drafts_from_prompt(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        draft = propose(prompt, k, max_n, min_n)
        emitted = verify(draft, target([*prompt, *tokens], draft))[: max_new_tokens - len(tokens)]
        if eos in emitted:
            emitted = emitted[: emitted.index(eos) + 1]
        tokens += emitted
        runs.append(len(emitted))
        if eos in emitted:
            break
    return tokens, runs


@mutant("one-run-per-draft", "generate", caught_by="test_generate_saves_runs",
        says="you run the target once per draft token; one run judges the whole draft",
        fix="call target(context, draft) once per cycle")  # fmt: skip
def generate_one_run_per_draft(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        greedy = [target([*context, *draft[:j]], [])[0] for j in range(len(draft) + 1)]
        emitted = verify(draft, greedy)[: max_new_tokens - len(tokens)]
        if eos in emitted:
            emitted = emitted[: emitted.index(eos) + 1]
        tokens += emitted
        runs.append(len(emitted))
        if eos in emitted:
            break
    return tokens, runs


@mutant("overshoots", "generate", caught_by="test_generate_exact_length",
        says="more than max_new_tokens tokens came out: the last block was not cut",
        fix="cut each block to the room that is left")  # fmt: skip
def generate_overshoots(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        emitted = verify(draft, target(context, draft))
        if eos in emitted:
            emitted = emitted[: emitted.index(eos) + 1]
        tokens += emitted
        runs.append(len(emitted))
        if eos in emitted:
            break
    return tokens, runs


@mutant("runs-not-cut", "generate", caught_by="test_generate_exact_length",
        says="tokens were cut to max_new_tokens but runs was not: their sum must agree",
        fix="cut the block before you note its length")  # fmt: skip
def generate_runs_not_cut(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        emitted = verify(draft, target(context, draft))
        if eos in emitted:
            emitted = emitted[: emitted.index(eos) + 1]
        tokens += emitted
        runs.append(len(emitted))
        if eos in emitted:
            break
    return tokens[:max_new_tokens], runs


@mutant("eos-only-at-run-end", "generate", caught_by="test_generate_stops_after_eos",
        says="text continues after eos: it stood in the middle of an accepted block, and you only looked at its end",
        fix="look for eos in the whole block and cut it there")  # fmt: skip
def generate_eos_at_end(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        emitted = verify(draft, target(context, draft))[: max_new_tokens - len(tokens)]
        tokens += emitted
        runs.append(len(emitted))
        if emitted[-1] == eos:
            break
    return tokens, runs


@mutant("drops-eos", "generate", caught_by="test_generate_stops_after_eos",
        says="eos itself is missing: it is the last token that comes out",
        fix="cut the block after eos, not before it")  # fmt: skip
def generate_drops_eos(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        emitted = verify(draft, target(context, draft))[: max_new_tokens - len(tokens)]
        stop = eos in emitted
        if stop:
            emitted = emitted[: emitted.index(eos)]
        tokens += emitted
        runs.append(len(emitted))
        if stop:
            break
    return tokens, runs


@mutant("counts-accepted-drafts", "generate", caught_by="test_generate_accounts_for_every_run",
        says="runs counts accepted drafts; the target's own token belongs to the run as well",
        fix="note the length of the block that was emitted")  # fmt: skip
def generate_counts_accepted(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        emitted = verify(draft, target(context, draft))[: max_new_tokens - len(tokens)]
        if eos in emitted:
            emitted = emitted[: emitted.index(eos) + 1]
        tokens += emitted
        runs.append(len(emitted) - 1)
        if eos in emitted:
            break
    return tokens, runs


@mutant("never-drafts", "generate", caught_by="test_generate_saves_runs",
        says="one token per run: right, and no faster than plain decoding, since nothing is ever drafted",
        fix="hand the draft of propose to the target")  # fmt: skip
def generate_never_drafts(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens = []
    while len(tokens) < max_new_tokens and (not tokens or tokens[-1] != eos):
        tokens.append(target([*prompt, *tokens], [])[0])
    return tokens, [1] * len(tokens)


# --- tokens_per_run


@mutant("runs-per-token", "tokens_per_run", caught_by="test_tokens_per_run",
        says="upside down: that is runs per token",
        fix="divide tokens by runs")  # fmt: skip
def tokens_per_run_inverted(runs):
    return len(runs) / sum(runs)


@mutant("without-own-token", "tokens_per_run", caught_by="test_tokens_per_run",
        says="the target's own token of each run is left out",
        fix="every emitted token counts")  # fmt: skip
def tokens_per_run_accepted(runs):
    return sum(r - 1 for r in runs) / len(runs)
