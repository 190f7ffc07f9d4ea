"""Lab 02: what a real engine reports, what its numbers mean, and what they say about runs not made yet.

Write the bodies in this order; the README has a section per stage. Counters are dicts as vLLM's metrics count them:
`drafts` (cycles), `draft_tokens`, `accepted`, and `per_pos`, a list: in how many cycles each position was accepted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Counters = Mapping[str, Any]


def counters_delta(before: Counters, after: Counters) -> dict[str, Any]:
    """What happened between two readings, in the same form. About 5 lines.

    Raises ValueError where any counter fell: the engine was restarted in between.
    """
    raise NotImplementedError("lab-02 stage 1: counters_delta - README section 1")


def draft_acceptance_rate(counters: Counters) -> float:
    """Accepted drafts over drafted tokens. One line.

    >>> draft_acceptance_rate({"drafts": 2, "draft_tokens": 6, "accepted": 3, "per_pos": [2, 1, 0]})
    0.5
    """
    raise NotImplementedError("lab-02 stage 1: draft_acceptance_rate - README section 1")


def mean_acceptance_length(counters: Counters) -> float:
    """Tokens per cycle, the target's own token included. One line."""
    raise NotImplementedError("lab-02 stage 1: mean_acceptance_length - README section 1")


def per_position_rates(counters: Counters) -> list[float]:
    """Share of all cycles in which position i was accepted. One line."""
    raise NotImplementedError("lab-02 stage 1: per_position_rates - README section 1")


def conditional_rates(counters: Counters) -> list[float]:
    """Chance that position i is accepted, given that all before it were; 0.0 where none got there. About 2 lines."""
    raise NotImplementedError("lab-02 stage 1: conditional_rates - README section 1")


def tpot_ms(ttft_ms: float, e2e_ms: float, n_out: int) -> float:
    """Time per output token behind the first, of one request; nan at n_out = 1. One line."""
    raise NotImplementedError("lab-02 stage 2: tpot_ms - README section 2")


def mean_itl_ms(gaps_ms: Sequence[float]) -> float:
    """vLLM's inter-token latency: the mean gap between streamed chunks. One line."""
    raise NotImplementedError("lab-02 stage 2: mean_itl_ms - README section 2")


def step_time_ms(tpot: float, length: float) -> float:
    """How long one cycle takes, from the time per token and the tokens per cycle. One line."""
    raise NotImplementedError("lab-02 stage 2: step_time_ms - README section 2")


def cycle_cost(baseline_ms: float, tpot: float, length: float) -> float:
    """A cycle's time in units of one plain decoding step. One line."""
    raise NotImplementedError("lab-02 stage 2: cycle_cost - README section 2")


def implied_c(cost: float, k: int, v: float) -> float:
    """The cost of one draft token, from a cycle's cost v + k·c. One line."""
    raise NotImplementedError("lab-02 stage 2: implied_c - README section 2")


def c_from_weights(layers: int, layer: float, fc: float, head: float) -> float:
    """c where reading weights is all that costs. One line.

    One draft reads one layer, fc and the head; one pass of the target reads its layers and the head.
    """
    raise NotImplementedError("lab-02 stage 3: c_from_weights - README section 3")


def fit_cost_line(
    ks: Sequence[int], tpots: Sequence[float], lengths: Sequence[float], baseline_ms: float
) -> tuple[float, float]:
    """(c, v): slope and height of the line through the cycle costs of several k, by least squares. About 3 lines."""
    raise NotImplementedError("lab-02 stage 3: fit_cost_line - README section 3")


def readings(x: float, k: int, cost: float) -> dict[str, float]:
    """The c that each meaning of "x of k accepted" implies: {"with_bonus": …, "without_bonus": …}. About 3 lines.

    `cost` is what a token costs, in plain decoding steps (9.6 / 18.2). with_bonus: x tokens a cycle, the target's own
    included; without_bonus: x accepted drafts and the target's own. v is 1.
    """
    raise NotImplementedError("lab-02 stage 3: readings - README section 3")


def reconcile(counters: Counters, baseline_ms: float, tpot_ms: float, k: int) -> dict[str, Any]:
    """Every number of a run, in a dict. About 10 lines.

    Its keys: acceptance_rate, per_position, conditional, mean_acceptance_length, alpha, c.
    alpha is the flat rate that gives that length (lab 04's implied_alpha: bring it along), c follows with v = 1.
    """
    raise NotImplementedError("lab-02 stage 4: reconcile - README section 4")


def audit(ks: Sequence[int], tpots: Sequence[float], claimed: Sequence[float], baseline_ms: float) -> list[int]:
    """The k, in their order, whose claimed speed-up is more than 2 % off what the times say. About 2 lines."""
    raise NotImplementedError("lab-02 stage 4: audit - README section 4")


def crossing(batches: Sequence[int], speedups: Sequence[float]) -> list[int]:
    """Where the win is first lost: [a batch that wins, the next, whose speed-up is 1 or less], or []. About 4 lines."""
    raise NotImplementedError("lab-02 stage 4: crossing - README section 4")


def predict(baseline_ms: float, k: int, rates: Sequence[float], c: float, v: float, s: float) -> dict[str, float]:
    """{"tau", "tpot", "speedup"} at k, from the conditional rates of at least k positions. About 3 lines.

    tau is tokens per cycle; a cycle costs v + k·(c + s) plain decoding steps.
    """
    raise NotImplementedError("lab-02 stage 5: predict - README section 5")


def forecast(baseline_ms: float, tpot: float, rates: Sequence[float], c: float, ks: Sequence[int]) -> list[float]:
    """The time per token at each of ks, from one run at k = len(rates) >= 2. About 8 lines.

    Known: the run's time per token and its conditional rates, c from the weights. Not known: v, which the run implies,
    and how deeper positions do: let each rate fall on as the last two did. s is 0.
    """
    raise NotImplementedError("lab-02 stage 5: forecast - README section 5")
