"""The README's five predictions, answered by the student's own implementation."""

from collections.abc import Callable

from labkit.contract import Implementation


def tokens(impl: Implementation) -> str:
    """Tokens per cycle."""
    return f"{impl.expected_tokens(0.8, 4):.2f} tokens; all 4 drafts hold in only {0.8**4:.0%} of the cycles."


def best(impl: Implementation) -> str:
    """Best k and its speed-up."""
    k = impl.optimal_k(0.8, 0.1, 32)
    return f"k = {k}, {impl.speedup(0.8, k, 0.1):.2f} times as fast; k = 16 would be {impl.speedup(0.8, 16, 0.1):.2f}."


def break_even(impl: Implementation) -> str:
    """What to do at alpha = c."""
    k = impl.optimal_k(0.3, 0.3, 32)
    return f"k = {k}: one draft would give {impl.speedup(0.3, 1, 0.3):.3f}, two {impl.speedup(0.3, 2, 0.3):.3f}."


def saturated(impl: Implementation) -> str:
    """The same setting on an idle and on a full server."""
    idle, full = (impl.saturated_speedup(0.8, 4, 0.05, s) for s in (0.0, 1.0))
    return f"Slower: {full:.2f} times the speed of plain decoding; on an idle GPU it is {idle:.2f}."


def inverse(impl: Implementation) -> str:
    """alpha from tokens per cycle."""
    return f"alpha = {impl.implied_alpha(2.8, 5):.3f}, while accepted over drafted is {1.8 / 5:.2f}."


PREDICTIONS: list[tuple[str, Callable[[Implementation], str]]] = [
    ("alpha = 0.8, k = 4: how many tokens does a cycle emit on average?", tokens),
    ("alpha = 0.8, c = 0.1: which k is best, and how much faster is it?", best),
    ("alpha = 0.3, c = 0.3: how many tokens would you draft?", break_even),
    ("alpha = 0.8, k = 4, c = 0.05 on a full server (s = 1): faster or slower?", saturated),
    ("2.8 tokens per step at k = 5: what is alpha?", inverse),
]
