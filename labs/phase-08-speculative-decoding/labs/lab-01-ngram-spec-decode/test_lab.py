"""The spec of lab-01. Everything here is exact: a correct implementation never fails it.

The oracle `follows` states the drafting rule from the other end (for each place, how long a suffix ends just before
it), so it shares no line with a scan over n-grams.
"""

import numpy as np
from labkit.faults import OverBudget

LOOKALIKES = [1, 11, 111, 2, 12, 21, 112, 211]


# --- the oracle


def follows(context, k, max_n, min_n=1):
    """The draft: the first place that the longest suffix (at most max_n, at least min_n tokens) leads to."""
    best, place = 0, None
    for j in range(1, len(context)):
        n = 0
        while n < min(j, max_n) and context[j - 1 - n] == context[-1 - n]:
            n += 1
        if n > best:
            best, place = n, j
    return context[place : place + k] if best >= min_n else []


def checked(draft, greedy):
    """Accepted drafts and the target's own token."""
    wrong = [j for j, token in enumerate(draft) if token != greedy[j]]
    m = wrong[0] if wrong else len(draft)
    return [*draft[:m], greedy[m]]


def decoded(target, prompt, length, k, max_n, min_n=1, eos=None):
    """(tokens, runs) of the whole loop."""
    text = list(prompt)
    runs = []
    while sum(runs) < length:
        draft = follows(text, k, max_n, min_n)
        block = checked(draft, target.peek(text, draft))[: length - sum(runs)]
        if eos in block:
            block = block[: block.index(eos) + 1]
        text += block
        runs.append(len(block))
        if block[-1] == eos:
            break
    return text[len(prompt) :], runs


# --- texts and targets


def periodic(rng, n, vocab):
    unit = rng.choice(vocab, size=int(rng.integers(1, 9)))
    return [int(unit[i % len(unit)]) for i in range(n)]


def code_like(rng, n, vocab):
    """A few templates with one changing slot: long repeats that break off."""
    templates = [rng.choice(vocab, size=int(rng.integers(3, 7))).tolist() for _ in range(3)]
    out = []
    while len(out) < n:
        line = list(templates[int(rng.integers(3))])
        line[int(rng.integers(len(line)))] = int(rng.choice(vocab))
        out += line
    return [int(t) for t in out[:n]]


def prose_like(rng, n, vocab):
    """A Markov chain with a few likely successors per token."""
    successors = {int(t): rng.choice(vocab, size=3) for t in vocab}
    out = [int(rng.choice(vocab))]
    while len(out) < n:
        out.append(int(successors[out[-1]][int(rng.choice(3, p=[0.7, 0.2, 0.1]))]))
    return out


def random_text(rng, n, vocab):
    return [int(t) for t in rng.choice(vocab, size=n)]


def all_distinct(rng, n, vocab):
    return [int(t) for t in rng.permutation(10 * n)[:n]]


TEXTS = [periodic, code_like, prose_like, random_text, all_distinct]


def vocabulary(rng):
    return np.array(LOOKALIKES) if rng.random() < 0.5 else rng.integers(0, 1000, size=int(rng.integers(2, 12)))


class Target:
    """A greedy model: the next token is a fixed function of the text so far. Counts its runs."""

    label = "<target>"

    def __init__(self, next_token, budget):
        self.next_token = next_token
        self.budget = budget
        self.runs = 0

    def __call__(self, context, draft):
        self.runs += 1
        if self.runs > self.budget:
            raise OverBudget(
                f"the target was run more than {self.budget} times for {self.budget} tokens",
                "each run must add at least one token: the target's own is free",
                "generate",
            )
        return self.peek([int(t) for t in context], [int(t) for t in draft])

    def peek(self, context, draft):
        text = [*context, *draft]
        start = len(context)
        return [self.next_token(text[: start + j]) for j in range(len(draft) + 1)]


class Hashed:
    """The next token depends on the last `order` tokens: over a small vocabulary such text soon repeats itself."""

    def __init__(self, rng, order, size):
        self.order, self.size = order, size
        self.a, self.b = (int(x) for x in rng.integers(1, 2**31, size=2))

    def __call__(self, text):
        state = self.b
        for token in text[-self.order :]:
            state = (state * 1_000_003 + (token + 1) * self.a) % 2_147_483_647
        return state // 7 % self.size


class Scripted:
    """The next token is the text's own continuation, and something else once the text was left."""

    def __init__(self, text):
        self.text = text

    def __call__(self, text):
        if len(text) < len(self.text) and text == self.text[: len(text)]:
            return self.text[len(text)]
        return 900_000 + len(text)


def hashed_case(rng):
    prompt = [int(t) for t in rng.integers(0, 6, size=int(rng.integers(1, 9)))]
    length = int(rng.integers(12, 40))
    model = Hashed(rng, order=int(rng.integers(2, 4)), size=int(rng.integers(2, 7)))
    settings = (length, int(rng.integers(1, 8)), int(rng.integers(2, 4)))
    return model, prompt, settings


def scripted_case(rng, kind, length=40):
    text = kind(rng, 24 + length, vocabulary(rng))
    return Scripted(text), text[:24], (length, int(rng.integers(2, 7)), 3)


def check_run(expect, model, prompt, settings, **extra):
    """Generate once and compare tokens and runs with the oracle; returns the answer."""
    target = Target(model, budget=settings[0])
    arguments = (target, prompt, *settings, *((1, extra["eos"]) if extra else ()))
    answer = expect.call("generate", *arguments)
    wanted = decoded(target, prompt, *settings, **extra)
    answer.equals(wanted)
    answer.holds(
        target.runs == len(answer.value[1]),
        expected=f"{len(answer.value[1])} runs of the target, as many as runs has entries",
        yours=f"{target.runs} runs of the target",
        looks_like="the target is run more than once per cycle, or a run is not counted",
        name="generate counts its runs",
    )
    return answer


def each(expect, function, cases):
    """Cases of (wanted, arguments), asked in one message."""
    for answer, (wanted, _) in zip(expect.calls(function, [args for _, args in cases]), cases, strict=True):
        answer.equals(wanted)


# --- stage 1


def test_propose_by_hand(expect):
    expect.call("propose", [4, 1, 5, 4, 1], 2, 3).equals([5, 4])
    expect.call("propose", [1, 2, 3, 4, 2, 3], 3, 3).equals([4, 2, 3])
    expect.call("propose", [1, 2, 3, 4, 2, 3], 1, 3).equals([4])
    expect.call("propose", [1, 2, 3], 4, 3).equals([])
    expect.call("propose", [5], 4, 3).equals([])
    expect.call("propose", [], 4, 3).equals([])
    expect.call("propose", [7, 7], 0, 2).equals([])


def test_propose_longest_suffix_wins(expect, rng):
    cases = []
    for _ in range(8):
        a, b, c, d, e, f = (int(t) for t in rng.permutation(1000)[:6])
        cases += [
            # b alone first leads to d; the longer suffix a b leads to c
            ([c], ([b, d, e, a, b, c, f, a, b], 1, 3)),
            ([d], ([b, d, e, a, b, c, f, a, b], 1, 1)),
            ([], ([b, d, e, a, b, c, f, e, b], 2, 3, 2)),
            # three tokens match, but max_n = 2 may only see two, which occurred before that
            ([d], ([b, c, d, a, b, c, e, a, b, c], 1, 2)),
            ([e], ([b, c, d, a, b, c, e, a, b, c], 1, 3)),
        ]
    each(expect, "propose", cases)


def test_propose_earliest_copy_wins(expect, rng):
    cases = []
    for _ in range(8):
        a, b, x, y, z = (int(t) for t in rng.permutation(1000)[:5])
        cases += [
            ([x], ([a, b, x, a, b, y, a, b, z, a, b], 1, 2)),
            ([x, a, b, y], ([a, b, x, a, b, y, a, b], 4, 3)),
            ([x, a], ([a, x, a, y, a], 2, 1)),
        ]
    each(expect, "propose", cases)


def test_propose_overlap_and_end(expect, rng):
    cases = []
    for _ in range(6):
        a, b, c = (int(t) for t in rng.permutation(1000)[:3])
        cases += [
            ([a], ([a, a, a, a], 3, 3)),
            ([a, a, a], ([a, a, a, a], 3, 1)),
            ([b, a], ([a, b, a, b, a], 4, 3)),
            ([a, b], ([c, a, b, a, b], 5, 2)),
            ([], ([a, b, c], 2, 3)),
            ([a], ([a, a], 3, 5)),
        ]
    each(expect, "propose", cases)


def test_propose_compares_tokens(expect, rng):
    expect.call("propose", [11, 1, 5, 1, 11, 6, 1, 1, 1], 2, 3).equals([1])
    expect.call("propose", [1, 11, 7, 11, 1], 1, 2).equals([11])
    expect.call("propose", [111, 7, 1, 11], 3, 2).equals([])
    expect.call("propose", [12, 1, 9, 1, 21], 3, 2).equals([])
    contexts = [[int(t) for t in rng.choice(LOOKALIKES, size=int(rng.integers(4, 24)))] for _ in range(160)]
    each(expect, "propose", [(follows(context, 3, 3), (context, 3, 3)) for context in contexts])


def test_propose_on_every_kind_of_text(expect, rng):
    calls = []
    for i in range(320):
        context = TEXTS[i % 5](rng, int(rng.integers(0, 40)) if i % 8 else i % 3, vocabulary(rng))
        max_n = int(rng.integers(1, 6))
        calls.append((context, int(rng.integers(0, 9)), max_n, int(rng.integers(1, max_n + 1))))
    each(expect, "propose", [(follows(*call), call) for call in calls])


def test_propose_refuses_impossible_arguments(expect, rng):
    context = random_text(rng, 12, np.arange(3))
    expect.error(ValueError, "propose", context, -1, 3, because="k < 0")
    expect.error(ValueError, "propose", context, 2, 3, 0, because="min_n < 1")
    expect.error(ValueError, "propose", context, 2, 2, 3, because="max_n < min_n")
    expect.error(ValueError, "propose", context, 2, 0, because="max_n < min_n")


# --- stage 2


def distinct(rng, n):
    return [int(t) for t in rng.permutation(5000)[:n]]


def test_verify_by_hand(expect):
    expect.call("verify", [7, 8, 9], [7, 8, 4, 5]).equals([7, 8, 4])
    expect.call("verify", [7, 8, 9], [7, 8, 9, 5]).equals([7, 8, 9, 5])
    expect.call("verify", [7, 8, 9], [1, 8, 9, 5]).equals([1])
    expect.call("verify", [], [3]).equals([3])


def test_verify_leading_run_only(expect, rng):
    cases = []
    for k in range(2, 9):
        greedy = distinct(rng, k + 1)
        for wrong in range(k - 1):
            draft = list(greedy[:k])
            draft[wrong] = 9999
            cases.append((greedy[: wrong + 1], (draft, greedy)))
    each(expect, "verify", cases)


def test_verify_correction(expect, rng):
    cases = []
    for k in range(1, 9):
        greedy = distinct(rng, k + 1)
        wrong = int(rng.integers(k))
        draft = [*greedy[:wrong], *(t + 10_000 for t in distinct(rng, k - wrong))]
        cases.append((greedy[: wrong + 1], (draft, greedy)))
        # the draft is one place late: each token is the target's next one
        cases.append((greedy[:1], (greedy[1:], greedy)))
    each(expect, "verify", cases)


def test_verify_bonus(expect, rng):
    cases = []
    for k in range(9):
        greedy = distinct(rng, k + 1)
        same_token = [int(rng.integers(100))] * (k + 1)
        cases += [(greedy, (greedy[:k], greedy)), (same_token, (same_token[:k], same_token))]
    each(expect, "verify", cases)


def test_verify_on_random_drafts(expect, rng):
    calls = []
    for _ in range(240):
        k = int(rng.integers(0, 8))
        size = int(rng.integers(2, 5))
        greedy = [int(t) for t in rng.integers(0, size, size=k + 1)]
        draft = [g if rng.random() < 0.7 else int(rng.integers(0, size)) for g in greedy[:k]]
        calls.append((draft, greedy))
    each(expect, "verify", [(checked(*call), call) for call in calls])


# --- stage 3


def test_generate_equals_plain_decoding(expect, rng):
    for _ in range(16):
        model, prompt, settings = hashed_case(rng)
        target = Target(model, budget=settings[0])
        plain = decoded(target, prompt, settings[0], 0, 1)[0]
        answer = expect.call("generate", target, prompt, *settings)
        tokens = answer.value[0]
        differs = [i for i, (a, b) in enumerate(zip(tokens, plain, strict=False)) if a != b]
        known = expect.known_mistake(answer, decoded(target, prompt, *settings)) if tokens != plain else None
        answer.holds(
            tokens == plain,
            expected=f"tokens {plain}",
            yours=f"tokens {tokens}   first difference at position {differs[0] if differs else len(tokens)}",
            looks_like=known.says if known else "",
            advice=known.fix if known else "print context, draft and the target's answer for that run",
            name="generate equals plain decoding",
        )


def test_generate_accounts_for_every_run(expect, rng):
    for _ in range(6):
        model, prompt, settings = hashed_case(rng)
        check_run(expect, model, prompt, settings)


def test_generate_saves_runs(expect, rng):
    for kind in TEXTS:
        for _ in range(2):
            check_run(expect, *scripted_case(rng, kind))
    unit = distinct(rng, 8)
    check_run(expect, Scripted(unit * 8), unit * 3, (40, 5, 3))


def test_generate_exact_length(expect, rng):
    unit = distinct(rng, 5)
    for length in range(16):
        check_run(expect, Scripted(unit * 9), unit * 3, (length, 4, 3))


def test_generate_stops_after_eos(expect, rng):
    for place in range(7):  # the drafter copies eos from the prompt: drafts 0 to 5 of an accepted block, then the bonus
        unit = distinct(rng, 8)
        check_run(expect, Scripted(unit * 6), unit * 3, (20, 6, 3), eos=unit[place])
    fresh = distinct(rng, 12)  # nothing to draft: eos is the target's own token
    check_run(expect, Scripted(fresh), fresh[:6], (6, 4, 3), eos=fresh[8])
    for _ in range(6):
        model, prompt, settings = hashed_case(rng)
        plain = decoded(Target(model, 99), prompt, settings[0], 0, 1)[0]
        check_run(expect, model, prompt, settings, eos=plain[int(rng.integers(2, len(plain)))])


def test_generate_without_drafts(expect, rng):
    for _ in range(3):
        model, prompt, (length, _, max_n) = hashed_case(rng)
        check_run(expect, model, prompt, (length, 0, max_n))


# --- stage 4


def test_tokens_per_run(expect, rng):
    expect.call("tokens_per_run", [3, 1, 2]).close(2.0)
    expect.call("tokens_per_run", [1]).close(1.0)
    many = [[int(n) for n in rng.integers(1, 7, size=int(rng.integers(1, 30)))] for _ in range(12)]
    for runs, answer in zip(many, expect.calls("tokens_per_run", [(runs,) for runs in many]), strict=True):
        answer.close(float(np.mean(runs)))


def test_speedup_is_a_property_of_the_text(expect, rng):
    unit = distinct(rng, 16)
    repeats = ("periodic", unit * 8, 6.0, "every draft of 5 holds")
    for name, text, wanted, because in (repeats, ("all-distinct", distinct(rng, 128), 1.0, "nothing repeats")):
        answer = check_run(expect, Scripted(text), text[:64], (60, 5, 3))
        rate = expect.call("tokens_per_run", answer.value[1])
        rate.holds(
            abs(rate.value - wanted) < 1e-6,
            expected=f"{wanted} tokens per run on {name} text: {because}",
            name="tokens per run by text",
        )


# --- beyond the lab


def test_stretch_impossible_arguments(expect):
    expect.error(ValueError, "verify", [1, 2], [1, 2], because="greedy needs one token more than draft")
    expect.error(ValueError, "verify", [], [], because="greedy needs one token more than draft")


def test_stretch_long_context(expect, rng):
    text = distinct(rng, 4000)
    context = (text * 5)[:19_990] + text[:10]
    expect.call("propose", context, 4, 3).equals(follows(context, 4, 3))
