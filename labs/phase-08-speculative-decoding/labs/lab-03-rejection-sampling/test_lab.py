"""The spec of lab 03. Deterministic functions are compared with small oracles on fresh inputs; random ones by law.

A law is asked for chosen drafts, and the token is watched together with its draft: most mistakes then show a token
that a correct step never returns for that draft. Every expect.law call is counted in lab.toml (stochastic_checks).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from labkit.expect import FLOAT_TOLERANCE
from labkit.faults import StudentRaised
from labkit.laws import Design
from labkit.plain import show

Array = np.ndarray

V = 8  # vocabulary of the step designs
RUN_V, RUN_K = 5, 3  # vocabulary and longest draft of the run designs
LOW_SHARE = 0.85  # of the drafts asked, those with p < q: the only ones that can be refused
MARGIN = 1.08  # p and q differ by at least this factor everywhere, so that float32 arithmetic changes no outcome
CANDIDATES = 64
EFFECT = 0.2  # the smallest error worth catching, in the chance of any one answer to any one of the inputs asked
ENOUGH = 2200  # expected draws: what takes longer to exclude might leave a correct sampler undecided at the cap

#: Acceptance probabilities in the hidden pairs lie midway between tenths, where rounding a probability shows most.
MIDWAY = np.array([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75])


# ---------------------------------------------------------------------------------------------------- oracles


def ratio(p: Array, q: Array) -> Array:
    """float[V]: the acceptance probability of each draft; 1 where the drafter cannot propose it."""
    return np.minimum(1.0, np.divide(p, q, out=np.ones_like(p), where=q > 0))


def owed(p: Array, q: Array) -> Array:
    """float[V]: the law of a correction."""
    missing = p - np.minimum(p, q)
    return missing / missing.sum() if missing.any() else p


def step_table(accept: Array, correction: Array) -> Array:
    """float[V, V]: row x the law of the token for draft x. `correction` is one law or a row for each draft."""
    return np.diag(accept) + (1 - accept)[:, None] * correction


def coin_again(accept: Array, law: Array) -> Array:
    """float[V, V]: corrections for each draft when the coin that refused it, u >= accept, also picks the token."""
    upper = np.cumsum(law)
    lower = upper - law
    part = np.maximum(upper, accept[:, None]) - np.maximum(lower, accept[:, None])
    return part / np.maximum(part.sum(axis=1, keepdims=True), 1e-300)


def one_hot(token: int, size: int) -> Array:
    """float[size]."""
    return np.eye(size)[token]


# ------------------------------------------------------------------------------------------------- fresh inputs


def dirichlet(rng: np.random.Generator, size: int, floor: float = 0.0) -> Array:
    """A random distribution with no entry below `floor`."""
    return floor + (1 - size * floor) * rng.dirichlet(np.ones(size))


def random_pair(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Any two distributions that are not nearly the same: a residual of rounding errors would say nothing."""
    while True:
        p, q = dirichlet(rng, size), dirichlet(rng, size)
        if np.minimum(p, q).sum() < 0.95:
            return p, q


def cut_pair(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Two distributions after top-k: each has zeros, every token is left in at least one of them."""
    order = rng.permutation(size)
    third = size // 3
    p, q = random_pair(rng, size)
    p[order[:third]] = 0.0
    q[order[third : 2 * third]] = 0.0
    return p / p.sum(), q / q.sum()


def many_pairs(rng: np.random.Generator, n: int) -> list[tuple[Array, Array]]:
    """Small and large vocabularies, with and without zeros."""
    plain = [random_pair(rng, int(size)) for size in rng.integers(2, 40, n)]
    cut = [cut_pair(rng, int(size)) for size in rng.integers(4, 40, n // 2)]
    return [*plain, *cut, random_pair(rng, 1000)]


def disjoint_pair(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """A drafter that never says what the target says."""
    order = rng.permutation(size)
    half = size // 2
    p, q = np.zeros(size), np.zeros(size)
    p[order[:half]] = dirichlet(rng, half, 0.05)
    q[order[half:]] = dirichlet(rng, size - half, 0.05)
    return p, q


def hidden_pair(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """A pair with chosen acceptance probabilities and residual, clear of near-ties."""
    while True:
        order = rng.permutation(size)
        n_low = int(rng.integers(2, size - 1))
        low, high = order[:n_low], order[n_low:]
        q = dirichlet(rng, size, 0.03)
        p = q.copy()
        p[low] *= rng.choice(MIDWAY, n_low) + rng.uniform(-0.004, 0.004, n_low)
        p[high] += (q[low].sum() - p[low].sum()) * dirichlet(rng, len(high), 0.1 / len(high))
        if (p[high] > MARGIN * q[high]).all() and p.min() > 0.004:
            return p, q


# ------------------------------------------------------------------------------------------------ designing laws


@dataclass(frozen=True)
class Question:
    """One call to repeat, the exact law of a correct answer, and the law under each known mistake."""

    args: tuple
    label: str
    weight: float
    law: Array
    wrong: Mapping[str, Array]

    def information(self, mistakes: Sequence[str]) -> Array:
        """float[len(mistakes)]: evidence of one answer against each mistake, in nats; 3 stands for a certificate."""
        seen = self.law > 0
        laws = np.array([self.wrong[m][seen] for m in mistakes])
        with np.errstate(divide="ignore"):
            return np.minimum(self.law[seen] @ (np.log(self.law[seen]) - np.log(laws)).T, 3.0)


def most_telling(groups: Sequence[Sequence[Question]], keep: int, mistakes: Sequence[str]) -> list[Question]:
    """Of many random groups the `keep` that together tell the best hidden mistake apart soonest."""
    gain = np.array([sum(c.weight * c.information(mistakes) for c in group) for group in groups])
    total, chosen = np.zeros(len(mistakes)), []
    for _ in range(keep):
        best = max((i for i in range(len(groups)) if i not in chosen), key=lambda i: (total + gain[i]).min())
        total += gain[best]
        chosen.append(best)
    return [question for i in chosen for question in groups[i]]


def design_of(questions: Sequence[Question], outcomes: Sequence[str], mistakes: Sequence[str]) -> Design:
    """The sequential test of `questions`, with those mistakes as alternatives that it can tell apart in time."""

    def design(names: Sequence[str]) -> Design:
        return Design(
            null=np.array([c.law for c in questions]),
            contexts=[c.label for c in questions],
            outcomes=outcomes,
            alternatives={m: np.array([c.wrong[m] for c in questions]) for m in names},
            weights=np.array([c.weight for c in questions]),
            effect=EFFECT,
        )

    every = design(mistakes)
    return design([m for m in mistakes if every.draws_to_exclude(m) <= ENOUGH])


def telling_design(
    ask: Callable[[], Sequence[Question]], keep: int, outcomes: Sequence[str], mistakes: Sequence[str]
) -> tuple[list[Question], Design]:
    """The questions of the `keep` best groups out of CANDIDATES, such that every mistake can be excluded in time."""
    while True:
        questions = most_telling([ask() for _ in range(CANDIDATES)], keep, mistakes)
        design = design_of(questions, outcomes, mistakes)
        if len(design.alternatives) == len(mistakes):
            return questions, design


# ------------------------------------------------------------------------------------- one step, right and wrong


def normal(mass: Array) -> Array:
    """`mass` scaled to sum to 1 along its last axis; all zeros stay zeros."""
    return mass / np.maximum(mass.sum(axis=-1, keepdims=True), 1e-300)


def shared_out(p: Array, q: Array) -> Array:
    """Residual never divided by its sum: the rest of the CDF falls to the last token."""
    missing = p - np.minimum(p, q)
    missing[-1] += max(0.0, 1 - missing.sum())
    return normal(missing)


def without_draft(p: Array) -> Array:
    """float[V, V]: row x is p with token x struck out."""
    return normal(np.where(np.eye(len(p), dtype=bool), 0.0, p))


#: Known mistakes by the id they have in mutants.py: (p, q) to the law of the token for each draft.
STEP_MISTAKES: dict[str, Callable[[Array, Array], Array]] = {
    "resamples-from-target": lambda p, q: step_table(ratio(p, q), p),
    "resamples-from-draft": lambda p, q: step_table(ratio(p, q), q),
    "resamples-without-draft": lambda p, q: step_table(ratio(p, q), without_draft(p)),
    "flipped-residual": lambda p, q: step_table(ratio(p, q), owed(q, p)),
    "absolute-residual": lambda p, q: step_table(ratio(p, q), normal(np.abs(p - q))),
    "argmax-residual": lambda p, q: step_table(ratio(p, q), one_hot(int(np.argmax(p - q)), len(p))),
    "uniform-residual": lambda p, q: step_table(ratio(p, q), normal((p > q) * 1.0)),
    "target-on-owed-tokens": lambda p, q: step_table(ratio(p, q), normal((p > q) * p)),
    "softmax-residual": lambda p, q: step_table(ratio(p, q), normal((p > q) * np.exp(p - q))),
    "residual-not-scaled": lambda p, q: step_table(ratio(p, q), shared_out(p, q)),
    "coin-used-twice": lambda p, q: step_table(ratio(p, q), coin_again(ratio(p, q), owed(p, q))),
    "inverted-ratio": lambda p, q: step_table(ratio(q, p), owed(p, q)),
    "hard-accept": lambda p, q: step_table((p >= q) * 1.0, owed(p, q)),
    "always-accepts": lambda p, q: np.eye(len(p)),
    "never-accepts": lambda p, q: step_table(np.zeros_like(p), owed(p, q)),
    "accepts-with-target-prob": lambda p, q: step_table(p, owed(p, q)),
    "accepts-with-overlap": lambda p, q: step_table(np.full_like(p, np.minimum(p, q).sum()), owed(p, q)),
    "squared-ratio": lambda p, q: step_table(ratio(p, q) ** 2, owed(p, q)),
    "smoothed-ratio": lambda p, q: step_table(np.minimum(1.0, p / (q + 0.01)), owed(p, q)),
    "rounded-ratio": lambda p, q: step_table(np.round(ratio(p, q), 1), owed(p, q)),
    "coarse-coin": lambda p, q: step_table(np.ceil(10 * ratio(p, q)) / 10, owed(p, q)),
    "ignores-draft": lambda p, q: np.tile(p, (len(p), 1)),
}


def step_questions(p: Array, q: Array, drafts: Sequence[int], weights: Sequence[float]) -> list[Question]:
    """One question per draft in `drafts`."""
    right = step_table(ratio(p, q), owed(p, q))
    wrong = {name: table(p, q) for name, table in STEP_MISTAKES.items()}
    return [
        Question(
            (p, q, x),
            f"speculative_step(p={show(p.round(3))},\nq={show(q.round(3))}, x={x}, rng)",
            weight,
            right[x],
            {name: table[x] for name, table in wrong.items()},
        )
        for x, weight in zip(drafts, weights, strict=True)
    ]


def every_draft(p: Array, q: Array) -> list[Question]:
    """All drafts of a pair, most of them tokens that may be refused."""
    low = p < q
    weights = np.where(low, LOW_SHARE / low.sum(), (1 - LOW_SHARE) / (~low).sum())
    return step_questions(p, q, range(len(p)), list(weights))


def step_outcomes(impl, questions: Sequence[Question], rng) -> Callable[[Array], Array]:
    """How to ask: draws(contexts) with the token as outcome, -1 for one outside the vocabulary."""

    def draw(contexts: Array) -> Array:
        answers = impl.batch("speculative_step", [(*questions[c].args, rng) for c in contexts])
        return np.array([token if 0 <= token < V else -1 for token, _ in answers])

    return draw


STEP_OUTCOMES = [f"token {t}" for t in range(V)]


# -------------------------------------------------------------------------------------- whole runs, right and wrong


@dataclass(frozen=True)
class Run:
    """How a run is judged: the chance to keep each draft, the law of each correction, the law of the bonus."""

    accept: Array
    corrections: Array
    bonus: Array
    one_coin: bool = False

    def law(self) -> Array:
        """float[(RUN_K + 1) * RUN_V]: entry j * RUN_V + t is the chance of j kept drafts, then token t."""
        together = np.minimum.accumulate if self.one_coin else np.cumprod
        reach = np.concatenate([[1.0], together(self.accept)])
        law = np.zeros((RUN_K + 1, RUN_V))
        k = len(self.accept)
        law[:k] = (reach[:-1] - reach[1:])[:, None] * self.corrections
        law[k] = reach[-1] * self.bonus
        return law.ravel()


def judged(P: Array, Q: Array, draft: Sequence[int], bonus: Array) -> Run:
    """The rule itself, whatever rows it is given."""
    accept = np.array([ratio(p, q)[x] for p, q, x in zip(P, Q, draft, strict=True)])
    return Run(accept, np.array([owed(p, q) for p, q in zip(P, Q, strict=True)]), bonus)


def run_mistakes(P: Array, Q: Array, draft: Sequence[int]) -> dict[str, Run]:
    """The same run under each known mistake of verify, by the id it has in mutants.py."""
    k = len(draft)
    right = judged(P[:k], Q, draft, P[k])
    ratios = [p[x] / q[x] for p, q, x in zip(P, Q, draft, strict=False)]
    again = [coin_again(a[None], r)[0] for a, r in zip(right.accept, right.corrections, strict=True)]

    def corrected(laws: Sequence[Array]) -> Run:
        return Run(right.accept, np.array(laws), P[k])

    def with_bonus(law: Array) -> Run:
        return Run(right.accept, right.corrections, law)

    return {
        "one-coin-for-all": Run(right.accept, right.corrections, P[k], one_coin=True),
        "multiplied-ratios": Run(np.minimum(1.0, np.cumprod(ratios)), right.corrections, P[k]),
        "first-target-row": judged(np.repeat(P[:1], k, axis=0), Q, draft, P[k]),
        "first-draft-row": judged(P[:k], np.repeat(Q[:1], k, axis=0), draft, P[k]),
        "target-rows-one-late": judged(P[1:], Q, draft, P[k]),
        "correction-from-target": corrected(P[:k]),
        "correction-from-next-row": corrected([owed(P[j + 1], Q[j]) for j in range(k)]),
        "correction-from-last-row": corrected([P[k]] * k),
        "correction-with-the-same-coin": corrected(again),
        "bonus-from-last-judged-row": with_bonus(P[k - 1]),
        "bonus-from-drafter": with_bonus(Q[k - 1]),
        "bonus-from-residual": with_bonus(owed(P[k], Q[k - 1])),
        "greedy-bonus": with_bonus(one_hot(int(np.argmax(P[k])), RUN_V)),
    }


RUN_OUTCOMES = [f"{j} drafts kept, then token {t}" for j in range(RUN_K + 1) for t in range(RUN_V)]


def hidden_run(rng: np.random.Generator, k: int) -> tuple[Array, Array, list[int]]:
    """A run with two or more uncertain positions that is accepted as a whole neither hardly ever nor nearly always."""
    while True:
        pairs = [hidden_pair(rng, RUN_V) for _ in range(k)]
        P, Q = np.array([p for p, _ in pairs]), np.array([q for _, q in pairs])
        draft = [int(rng.choice(np.flatnonzero((p < q) == (rng.random() < LOW_SHARE)))) for p, q in pairs]
        accept = judged(P, Q, draft, P[0]).accept
        if np.sum((accept > 0.2) & (accept < 0.8)) >= 2 and 0.1 < accept.prod() < 0.8:
            return np.vstack([P, dirichlet(rng, RUN_V, 0.03)]), Q, draft


def run_question(P: Array, Q: Array, draft: list[int]) -> Question:
    """The question whether `verify(P, Q, draft, rng)` follows its law."""
    k = len(draft)
    right = judged(P[:k], Q, draft, P[k])
    wrong = {name: run.law() for name, run in run_mistakes(P, Q, draft).items()}
    label = f"verify(P={show(P.round(3).tolist(), 400)},\nQ={show(Q.round(3).tolist(), 400)}, draft={draft}, rng)"
    return Question((P, Q, draft), label, 1.0, right.law(), wrong)


def run_outcome(tokens: Sequence[int], draft: Sequence[int]) -> int:
    """The index in RUN_OUTCOMES of a run of `tokens` for `draft`; -1 for one that is no such thing."""
    j = len(tokens) - 1
    fits = 0 <= j <= len(draft) and list(tokens[:j]) == list(draft[:j]) and 0 <= tokens[j] < RUN_V
    return j * RUN_V + tokens[j] if fits else -1


# ------------------------------------------------------------------------------------------------ stage 1: the coin


def capped(answer):
    """An acceptance probability above 1 means the same as 1: u < 1.7 holds for every u below 1."""
    answer.value = float(np.minimum(1.0, answer.value))
    return answer


def test_accept_prob_by_hand(expect):
    """Small enough to check on paper."""
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.5, 0.1])
    for x, wanted in enumerate([0.5, 0.6, 1.0]):
        capped(expect.call("accept_prob", p, q, x)).close(wanted)
    capped(expect.call("accept_prob", np.array([0.2, 0.8]), np.array([0.5, 0.5]), 0)).close(0.4)


def test_accept_prob_is_the_capped_ratio(expect, rng):
    """On fresh pairs; inputs stay above 0.01, so that float32 and a tiny epsilon pass."""
    pairs = [(dirichlet(rng, int(n), 0.01), dirichlet(rng, int(n), 0.01)) for n in rng.integers(2, 30, 60)]
    calls = [(p, q, int(x)) for p, q in pairs for x in rng.integers(0, len(p), 4)]
    for answer in expect.calls("accept_prob", calls):
        p, q, x = answer.args
        capped(answer).close(p[x] / max(p[x], q[x]))


def test_accept_prob_where_one_side_is_zero(expect, rng):
    """Both zero is not asked: the contract leaves it open."""
    calls = []
    for size in rng.integers(4, 12, 20):
        p, q = disjoint_pair(rng, int(size))
        calls += [(p, q, int(x)) for x in range(size)]
    for x in range(4):
        calls += [(dirichlet(rng, 6, 0.05), one_hot(x, 6), y) for y in range(6) if y != x]
    for answer in expect.calls("accept_prob", calls):
        p, q, x = answer.args
        capped(answer).close(float(q[x] == 0))


def test_acceptance_rate_is_the_overlap(expect, rng):
    """Compared with 1 - TV(p, q), the other way to say it."""
    expect.call("acceptance_rate", np.array([0.45, 0.25, 0.15, 0.1, 0.05]), np.full(5, 0.2)).close(0.7)
    for answer in expect.calls("acceptance_rate", many_pairs(rng, 40)):
        p, q = answer.args
        answer.close(1 - np.abs(p - q).sum() / 2)


def test_acceptance_rate_limits(expect, rng):
    """The three drafters everybody can price without a formula."""
    p = dirichlet(rng, 7, 0.02)
    expect.call("acceptance_rate", p, p.copy()).close(1.0)
    expect.call("acceptance_rate", *disjoint_pair(rng, 7)).close(0.0)
    sure = [pair for x in range(7) for pair in ((p, one_hot(x, 7)), (one_hot(x, 7), p))]
    for answer, x in zip(expect.calls("acceptance_rate", sure), np.repeat(range(7), 2), strict=True):
        answer.close(p[x])


# -------------------------------------------------------------------------------------------- stage 2: what is owed


def test_residual_by_hand(expect):
    """Small enough to check on paper."""
    p = np.array([0.45, 0.25, 0.15, 0.1, 0.05])
    expect.call("residual", p, np.full(5, 0.2)).close([5 / 6, 1 / 6, 0, 0, 0])
    expect.call("residual", np.array([0.5, 0.4, 0.1]), np.array([0.2, 0.3, 0.5])).close([0.75, 0.25, 0])
    expect.call("residual", np.array([0.1, 0.9]), np.array([0.6, 0.4])).close([0, 1])


def test_residual_is_what_is_owed(expect, rng):
    """On fresh pairs of all sizes, with and without zeros."""
    pairs = [*many_pairs(rng, 40), *[disjoint_pair(rng, 8) for _ in range(4)]]
    pairs += [(dirichlet(rng, 6, 0.05), one_hot(x, 6)) for x in range(6)]
    for answer in expect.calls("residual", pairs):
        answer.close(owed(*answer.args))


def test_residual_of_equal_distributions(expect, rng):
    """Sums that are exactly 1 and sums that are 1 only up to rounding: neither may end in NaN or zeros."""
    sixteenths = np.array([8, 4, 2, 1, 1]) / 16
    laws = [sixteenths, np.full(4, 0.25), one_hot(2, 5), *[dirichlet(rng, int(n)) for n in rng.integers(2, 20, 10)]]
    for answer, p in zip(expect.calls("residual", [(p, p.copy()) for p in laws]), laws, strict=True):
        answer.close(p)


def test_output_distribution_is_the_target(expect, rng):
    """No sampling, so nothing to be lucky or unlucky about."""
    expect.call("output_distribution", np.array([0.5, 0.4, 0.1]), np.array([0.2, 0.3, 0.5])).close([0.5, 0.4, 0.1])
    for answer in expect.calls("output_distribution", many_pairs(rng, 40)):
        answer.close(answer.args[0])


def test_output_distribution_for_extreme_drafters(expect, rng):
    """Where a formula divides by zero, if it does."""
    p = dirichlet(rng, 6, 0.05)
    pairs = [(p, p.copy()), (p, np.full(6, 1 / 6)), disjoint_pair(rng, 6), disjoint_pair(rng, 9)]
    for answer in expect.calls("output_distribution", pairs + [(p, one_hot(x, 6)) for x in range(6)]):
        answer.close(answer.args[0])


# --------------------------------------------------------------------------------------- stage 3: one step, sampled


def test_step_flag_says_whether_the_draft_was_kept(expect, rng):
    """Exact: a correction is drawn from the residual, which is 0 at any draft that can be refused."""
    pairs = [hidden_pair(rng, V) for _ in range(8)]
    calls = [(p, q, x, rng) for p, q in pairs for x in range(V) for _ in range(8)]
    for answer in expect.calls("speculative_step", calls):
        token, accepted = answer.value
        x = answer.args[2]
        answer.holds(
            accepted == (token == x),
            expected=f"({x}, True), or another token and False: a correction is never the refused draft itself",
            advice="accepted tells whether the draft was kept; where it was not, the residual at x is 0",
            name="accepted flag",
        )


def test_step_certain_outcomes(expect, rng):
    """Drafters for which a correct step has no choice."""
    same = [dirichlet(rng, V, 0.02) for _ in range(8)]
    for answer in expect.calls("speculative_step", [(p, p.copy(), x, rng) for p in same for x in range(V)]):
        answer.equals((answer.args[2], True), advice="where p == q every draft is kept")
    apart = [disjoint_pair(rng, V) for _ in range(8)]
    calls = [(p, q, int(x), rng) for p, q in apart for x in np.flatnonzero(q) for _ in range(4)]
    for answer in expect.calls("speculative_step", calls):
        token, accepted = answer.value
        possible = np.flatnonzero(answer.args[0]).tolist()
        answer.holds(
            token in possible and not accepted,
            expected=f"one of the target's tokens {possible}, and False",
            advice="p[x] is 0: the draft must be refused, and the correction is a token the target can say",
            name="disjoint drafter",
        )


def test_step_law_for_chosen_drafts(expect, impl, rng):
    """Two hidden pairs out of 64 random ones, those that give known mistakes away soonest: 16 inputs."""
    questions, design = telling_design(lambda: every_draft(*hidden_pair(rng, V)), 2, STEP_OUTCOMES, list(STEP_MISTAKES))
    expect.law("law of speculative_step", "speculative_step", design, step_outcomes(impl, questions, rng), rng)


def extreme_questions(rng: np.random.Generator) -> list[Question]:
    """Drafters at the limits: clueless, stubbornly wrong, sure of one token (n-gram), never right."""
    uniform = np.full(V, 1 / V)
    clueless = max((dirichlet(rng, V, 0.02) for _ in range(CANDIDATES)), key=lambda p: np.abs(p - uniform).min())
    p = dirichlet(rng, V, 0.03)
    rarest = int(np.argmin(p))
    stubborn = np.where(np.arange(V) == rarest, 0.9, 0.1 / (V - 1))
    sure = dirichlet(rng, V, 0.04)
    x = int(np.argmin(np.abs(sure - 0.3)))
    never = disjoint_pair(rng, V)
    return [
        *every_draft(clueless, uniform),
        *step_questions(p, stubborn, [rarest], [1.0]),
        *step_questions(sure, one_hot(x, V), [x], [1.0]),
        *step_questions(*never, [int(np.argmax(never[1]))], [0.25]),
    ]


def test_step_law_for_extreme_drafters(expect, impl, rng):
    """The same test on the drafters of the README."""
    questions = extreme_questions(rng)
    design = design_of(questions, STEP_OUTCOMES, list(STEP_MISTAKES))
    draw = step_outcomes(impl, questions, rng)
    expect.law("law of speculative_step, extreme drafters", "speculative_step", design, draw, rng)


def same_stream(expect, impl, rng, function: str, calls: Sequence[tuple]) -> None:
    """Equal streams give equal answers, different streams different ones. The generator is always the last argument.

    The calls are so many and so uncertain that chance agreement of all of them is out of the question; their number
    is odd, so that something counted between calls is not where it was when the stream is repeated.
    """
    seed, other = (int(s) for s in rng.integers(2**60, size=2))
    streams = [np.random.default_rng(s) for s in (seed, seed, other)]
    first, again, different = (impl.batch(function, [(*args, stream) for args in calls]) for stream in streams)
    expect.that(
        first == again,
        function=function,
        given=f"{len(calls)} calls with the same stream, twice",
        expected="the same answers both times",
        yours=f"{sum(a != b for a, b in zip(first, again, strict=True))} answers differ",
        looks_like="you draw from a generator of your own (np.random.…, random.…), or keep something between calls",
        advice="draw every random number from rng, and remember nothing between calls",
        name=f"{function}: same stream",
    )
    expect.that(
        first != different,
        function=function,
        given=f"{len(calls)} calls with one stream, then with another",
        expected="other answers",
        yours="exactly the same answers",
        looks_like="your random numbers do not come from rng: a generator with a fixed seed?",
        advice="draw from rng itself; do not create or seed a generator",
        name=f"{function}: other stream",
    )


def test_step_draws_from_rng_alone(expect, impl, rng):
    """255 answers agree by chance with probability 0.31^255, far below 1e-100."""
    # Draft 0 is kept half of the time, else one of four tokens comes: two answers agree in .25 + 4 · .125² = 31 %.
    p, q = np.array([0.4, 0.15, 0.15, 0.15, 0.15]), np.array([0.8, 0.05, 0.05, 0.05, 0.05])
    same_stream(expect, impl, rng, "speculative_step", [(p, q, 0)] * 255)


# --------------------------------------------------------------------------------------- stage 4: a run of drafts


def greedy_run(rng: np.random.Generator, k: int) -> tuple[tuple, list[int]]:
    """Arguments of verify with a target sure of each token, and the one possible answer."""
    size = int(rng.integers(3, 9))
    sure = [int(t) for t in rng.integers(0, size, k + 1)]
    draft = [t if rng.random() < 0.75 else int(rng.integers(size)) for t in sure[:k]]
    P = np.eye(size)[sure]
    Q = np.array([dirichlet(rng, size, 0.05) for _ in range(k)]).reshape(k, size)
    kept = next((j for j in range(k) if draft[j] != sure[j]), k)
    return (P, Q, draft), sure[: kept + 1]


def test_verify_greedy_limit(expect, rng):
    """One-hot rows leave one possible answer, whatever the random numbers are."""
    runs = [greedy_run(rng, int(k)) for k in rng.integers(1, 7, 200)]
    answers = expect.calls("verify", [(*args, rng) for args, _ in runs])
    for answer, (_, wanted) in zip(answers, runs, strict=True):
        answer.equals(wanted)


def test_verify_accepts_all_and_adds_the_bonus(expect, rng):
    """Q[j] == P[j] everywhere; the bonus row has two possible tokens."""
    calls = []
    for k in rng.integers(1, 6, 150):
        P = np.array([dirichlet(rng, V, 0.02) for _ in range(k + 1)])
        P[k, rng.permutation(V)[: V - 2]] = 0.0
        P[k] /= P[k].sum()
        calls.append((P, P[:k].copy(), [int(t) for t in rng.integers(0, V, k)], rng))
    for answer in expect.calls("verify", calls):
        P, _, draft, _ = answer.args
        k, possible = len(draft), np.flatnonzero(P[-1]).tolist()
        tokens = answer.value
        answer.holds(
            tokens[:k] == draft and len(tokens) == k + 1 and tokens[k] in possible,
            expected=f"{draft} and one bonus token out of {possible}, as Q[j] == P[j] everywhere",
            advice="the last row of P is there for the bonus: k drafts kept give k + 1 tokens",
            name="bonus token",
        )


def test_verify_law(expect, impl, rng):
    """Six hidden runs out of 64, each with two or more uncertain positions: one shared coin shows only there."""

    def ask() -> list[Question]:
        return [run_question(*hidden_run(rng, int(rng.integers(2, RUN_K + 1))))]

    questions, design = telling_design(ask, 6, RUN_OUTCOMES, list(ask()[0].wrong))

    def draw(contexts: Array) -> Array:
        answers = impl.batch("verify", [(*questions[c].args, rng) for c in contexts])
        return np.array([run_outcome(a, questions[c].args[2]) for a, c in zip(answers, contexts, strict=True)])

    expect.law("law of verify", "verify", design, draw, rng)


def test_verify_without_a_draft(expect, impl, rng):
    """One-hot rows again, one possible answer; then four equally likely ones, where 255 agree by chance in 4^-255."""
    calls = [(np.eye(6)[[t]], np.zeros((0, 6)), [], rng) for t in range(6)]
    for t, answer in enumerate(expect.calls("verify", calls)):
        answer.equals([t])
    same_stream(expect, impl, rng, "verify", [(np.full((1, 4), 0.25), np.zeros((0, 4)), [])] * 255)


def test_verify_draws_from_rng_alone(expect, impl, rng):
    """255 runs agree by chance with probability below 0.13^255."""
    # Keeps 0, 1 or 2 drafts with chances .5, .25, .25, then one of three or four tokens: two runs agree in 12 %.
    row, drafter = np.array([0.25, 0.25, 0.25, 0.25]), np.array([0.5, 1 / 6, 1 / 6, 1 / 6])
    calls = [(np.array([row, row, row]), np.array([drafter, drafter]), [0, 0])] * 255
    same_stream(expect, impl, rng, "verify", calls)


# ------------------------------------------------------------------------------------------- stage 5: beyond the lab


def test_stretch_impossible_arguments(expect, impl, rng):
    """The required tests never pass such arguments."""
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    P, Q = np.array([p, p]), np.array([q])
    cases = [
        ("p", "accept_prob", (np.array([1.5, -0.5]), q, 0), "p[1] < 0"),
        ("q", "residual", (p, np.array([0.9, 0.9])), "q sums to 1.8"),
        ("q", "acceptance_rate", (p, np.full(3, 1 / 3)), "p and q have different lengths"),
        ("p", "output_distribution", (np.array([0.5, np.nan]), q), "p[1] is NaN"),
        ("x", "speculative_step", (p, q, 2, rng), "token 2 is outside a vocabulary of 2"),
        ("x", "accept_prob", (p, q, -1), "token -1 would silently mean the last one"),
        ("P", "verify", (P[:1], Q, [0], rng), "P has no row for the bonus"),
        ("Q", "verify", (P, Q[:0], [0], rng), "Q has no row for draft[0]"),
    ]
    for argument, function, args, because in cases:
        expect.error(ValueError, function, *args, because=because)
        expect.that(
            argument in _message(impl, function, args).split("=")[0].replace("[", " ").split(),
            function=function, given=f"{function} where {because}", expected=f"a message that names {argument}",
            yours=repr(_message(impl, function, args)), name="message names the argument",
        )  # fmt: skip


def _message(impl, function: str, args: tuple) -> str:
    try:
        getattr(impl, function)(*args)
    except StudentRaised as fault:
        return fault.message
    return ""


def test_stretch_tokens_neither_can_say(expect, rng):
    """0 / 0 is where a vectorised min(1, p / q) turns into NaN."""
    pairs = [tuple(np.append(one, [0.0, 0.0]) for one in cut_pair(rng, 9)) for _ in range(20)]
    for answer, (p, _) in zip(expect.calls("output_distribution", pairs), pairs, strict=True):
        answer.close(p, tolerance=FLOAT_TOLERANCE)
    for answer, pair in zip(expect.calls("residual", pairs), pairs, strict=True):
        answer.close(owed(*pair))
