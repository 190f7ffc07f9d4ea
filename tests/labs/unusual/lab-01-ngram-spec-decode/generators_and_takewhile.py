"""itertools and generators inside."""


from collections.abc import Callable, Sequence

Target = Callable[[list[int], list[int]], list[int]]


def propose(context: Sequence[int], k: int, max_n: int, min_n: int = 1) -> list[int]:
    """Up to k tokens that followed the earliest earlier copy of the longest suffix n-gram, n = max_n … min_n."""
    if k < 0:
        raise ValueError(f"k = {k}: cannot draft fewer than 0 tokens")
    if not 1 <= min_n <= max_n:
        raise ValueError(f"min_n = {min_n}, max_n = {max_n}: need 1 <= min_n <= max_n")
    tokens = list(context)
    for n in range(min(max_n, len(tokens) - 1), min_n - 1, -1):
        suffix = tokens[-n:]
        for start in range(len(tokens) - n):  # stops before the suffix itself: one token must follow
            if tokens[start : start + n] == suffix:
                return tokens[start + n : start + n + k]
    return []


def verify(draft: Sequence[int], greedy: Sequence[int]) -> list[int]:
    """The leading run of drafts the target agrees with, then the target's own next token.

    greedy[j] is what the target says after draft[:j], so greedy[m] is the correction of the first wrong draft m, or the
    bonus where all were right.
    """
    if len(greedy) != len(draft) + 1:
        raise ValueError(f"greedy has {len(greedy)} tokens for {len(draft)} drafts: it needs one more than draft")
    accepted = 0
    while accepted < len(draft) and draft[accepted] == greedy[accepted]:
        accepted += 1
    return [*draft[:accepted], greedy[accepted]]


def generate(
    target: Target,
    prompt: Sequence[int],
    max_new_tokens: int,
    k: int,
    max_n: int,
    min_n: int = 1,
    eos: int | None = None,
) -> tuple[list[int], list[int]]:
    """Draft, verify, commit, until max_new_tokens or eos: (tokens, tokens emitted by each run)."""
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens = {max_new_tokens}: cannot emit fewer than 0 tokens")
    tokens: list[int] = []
    runs: list[int] = []
    while len(tokens) < max_new_tokens:
        context = [*prompt, *tokens]
        draft = propose(context, k, max_n, min_n)
        emitted = verify(draft, target(context, draft))[: max_new_tokens - len(tokens)]
        if eos in emitted:
            emitted = emitted[: emitted.index(eos) + 1]
        tokens += emitted
        runs.append(len(emitted))
        if eos in emitted:
            break
    return tokens, runs


def tokens_per_run(runs: Sequence[int]) -> float:
    """Tokens emitted over runs of the target: the metric, since a run is what costs time."""
    return sum(runs) / len(runs)


from itertools import takewhile

def verify(draft, greedy):
    kept = [d for d, _ in takewhile(lambda pair: pair[0] == pair[1], zip(draft, greedy))]
    return kept + [greedy[len(kept)]]

def tokens_per_run(runs):
    import numpy as np
    return np.float32(np.mean(np.array(list(runs), dtype=np.float32)))
