"""The README's five predictions, answered by the student's own implementation."""

from collections.abc import Callable

from labkit.contract import Implementation

DOCUMENTED = {"drafts": 43, "draft_tokens": 129, "accepted": 10, "per_pos": [4, 3, 3]}


def acceptance(impl: Implementation) -> str:
    """Rate and length of vLLM's example."""
    rate, length = impl.draft_acceptance_rate(DOCUMENTED), impl.mean_acceptance_length(DOCUMENTED)
    return f"{rate:.2%} of what was drafted, {length:.3f} tokens a cycle: one token a cycle is the target's own."


def chunks(impl: Implementation) -> str:
    """ITL and TPOT of the documented stream."""
    itl, tpot = impl.mean_itl_ms([40.0] * 10), impl.tpot_ms(100.0, 500.0, 21)
    return f"ITL {itl:.0f} ms, TPOT {tpot:.0f} ms; their ratio, {itl / tpot:.0f}, is the tokens in a chunk."


def cycle(impl: Implementation) -> str:
    """The unit's run as a cycle."""
    return f"{impl.cycle_cost(18.2, 9.6, 2.8):.3f} steps, {impl.step_time_ms(9.6, 2.8):.1f} ms: that is also its ITL."


def two(impl: Implementation) -> str:
    """Both readings of 2.8 of 5."""
    found = impl.readings(2.8, 5, 9.6 / 18.2)
    weights = impl.c_from_weights(32, 218.1, 33.6, 525.3)
    with_it, without = found["with_bonus"], found["without_bonus"]
    return f"{with_it:.3f} with the target's own token, {without:.3f} without; the weights say {weights:.3f}."


def deeper(impl: Implementation) -> str:
    """tau at k = 5 from two rates, falling on."""
    rates = [0.70, 0.63, 0.567, 0.51, 0.459]
    falling = impl.predict(10.0, 5, rates, 0.1, 1.0, 0.0)["tau"]
    flat = impl.predict(10.0, 5, [0.665] * 5, 0.1, 1.0, 0.0)["tau"]
    more = f"{flat - 1:.2f} with one flat rate, {flat / falling - 1:.0%} more tokens"
    return f"{falling - 1:.2f} drafts if the rates fall on as they do; {more}."


PREDICTIONS: list[tuple[str, Callable[[Implementation], str]]] = [
    ("43 cycles at k = 3, 10 accepted: acceptance rate and length?", acceptance),
    ("Chunks 40 ms apart, two tokens in each: ITL and TPOT?", chunks),
    ("18.2 to 9.6 ms a token at 2.8 tokens a cycle: how many plain steps is a cycle?", cycle),
    ('"2.8 of 5 accepted": which c does each reading imply?', two),
    ("Conditional rates .70 and .63 at k = 2: how many drafts does k = 5 accept?", deeper),
]
