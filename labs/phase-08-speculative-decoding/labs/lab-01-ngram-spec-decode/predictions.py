"""The README's five predictions, answered by the student's own implementation."""

from collections.abc import Callable

from labkit.contract import Implementation

K, MAX_N, LENGTH = 5, 3, 60
PERIODIC = [100 + i % 16 for i in range(200)]
DISTINCT = list(range(200))


def reads(text: list[int]) -> Callable[[list[int], list[int]], list[int]]:
    """A target that goes on with `text`, whatever was drafted."""
    return lambda context, draft: [text[len(context) + j] for j in range(len(draft) + 1)]


def contrary(context: list[int], draft: list[int]) -> list[int]:
    """A target that never says what was drafted."""
    return [*(token + 1 for token in draft), 1 + len(context) % 3]


def rate(impl: Implementation, text: list[int]) -> float:
    """Tokens per run on a text that continues as it began."""
    _, runs = impl.generate(reads(text), text[:64], LENGTH, K, MAX_N)
    return float(impl.tokens_per_run(runs))


def periodic(impl: Implementation) -> str:
    """Repetitive text."""
    return f"{rate(impl, PERIODIC):.2f} tokens per run, the ceiling of k + 1."


def distinct(impl: Implementation) -> str:
    """Text without repeats."""
    return f"{rate(impl, DISTINCT):.2f}: nothing is ever drafted, and nothing is lost."


def useless(impl: Implementation) -> str:
    """A drafter that is always wrong."""
    tokens, runs = impl.generate(contrary, [1, 2, 1, 2, 1, 2], LENGTH, K, MAX_N)
    return f"None: {len(runs)} runs for {len(tokens)} tokens, as plain decoding."


def full_block(impl: Implementation) -> str:
    """All drafts hold."""
    return f"{len(impl.verify([1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]))}: the five, and the target's next one for free."


def rarely_right(impl: Implementation) -> str:
    """A drafter that is right once in a while."""
    runs = [len(impl.verify([7] * K, [7 if i % 4 == 0 else 8] + [9] * K)) for i in range(20)]
    share = (sum(runs) - len(runs)) / (K * len(runs))
    return f"Yes: {share:.0%} of the drafts hold, and each saves a run: {impl.tokens_per_run(runs):.2f} tokens per run."


PREDICTIONS: list[tuple[str, Callable[[Implementation], str]]] = [
    ("Text that repeats every 16 tokens, k = 5: how many tokens per run?", periodic),
    ("Text in which no token occurs twice: how many?", distinct),
    ("Every draft is wrong: how many more runs than plain decoding?", useless),
    ("All 5 drafts hold: how many tokens does that run add?", full_block),
    ("5 % of the drafts are right, drafting is free: worth having?", rarely_right),
]
