"""Lab 01: speculative decoding with a drafter that costs nothing, the text's own past.

Write the four bodies, in this order. Tokens are ints, texts are lists of them; never modify what you are given.
The README has a section per stage.
"""

from collections.abc import Callable, Sequence

Target = Callable[[list[int], list[int]], list[int]]


def propose(context: Sequence[int], k: int, max_n: int, min_n: int = 1) -> list[int]:
    """Draft up to k tokens by looking back: what followed the last few tokens when they stood here before?

    Takes the longest suffix of `context` of max_n … min_n tokens that occurred earlier, and of its copies the
    *earliest*. A copy may overlap the suffix; at least one token must follow it. Returns the up to k tokens after
    it, fewer at the end of the context, [] where nothing matches. About 10 lines.

    Raises ValueError for k < 0 or not 1 <= min_n <= max_n.

    >>> propose([4, 1, 5, 4, 1], k=2, max_n=3)
    [5, 4]
    """
    raise NotImplementedError("lab-01 stage 1: propose - README section 1")


def verify(draft: Sequence[int], greedy: Sequence[int]) -> list[int]:
    """Keep the drafts that the target would have written itself, then add its own next token.

    greedy[j] is the target's token after draft[:j]; len(greedy) == len(draft) + 1. Returns 1 … len(draft) + 1 tokens:
    the accepted leading run, then the correction or, where all drafts were right, the bonus. About 5 lines.

    >>> verify([7, 8, 9], [7, 8, 4, 5])
    [7, 8, 4]
    """
    raise NotImplementedError("lab-01 stage 2: verify - README section 2")


def generate(
    target: Target,
    prompt: Sequence[int],
    max_new_tokens: int,
    k: int,
    max_n: int,
    min_n: int = 1,
    eos: int | None = None,
) -> tuple[list[int], list[int]]:
    """Write text: draft, let the target check, commit, again.

    target(context, draft) returns the len(draft) + 1 greedy tokens of `verify`; `context` is the prompt and all that
    was committed. One call is one run, and runs are what costs. Returns (tokens, runs): runs[i] is the number of tokens
    that run i added, sum(runs) == len(tokens) <= max_new_tokens. Stops after `eos`, also in the middle of an accepted
    block. About 12 lines.
    """
    raise NotImplementedError("lab-01 stage 3: generate - README section 3")


def tokens_per_run(runs: Sequence[int]) -> float:
    """Tokens emitted per run of the target: THE metric. One line.

    >>> tokens_per_run([3, 1, 2])
    2.0
    """
    raise NotImplementedError("lab-01 stage 4: tokens_per_run - README section 4")
