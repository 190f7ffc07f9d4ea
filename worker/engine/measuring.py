"""Plays plain decoding against speculation: the same prompts, in rounds whose order alternates, after a warm-up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

#: Seconds one run may take.
RUN_S = 300.0
_WARM_UP_TOKENS = 8


class Decoder(Protocol):
    """What is asked: `EngineProcess`, or a fake that tells of a run that was."""

    def ready(self) -> Mapping[str, Any]:
        """What it is."""
        ...

    def run(self, prompts: Sequence[Sequence[int]], batch: int, tokens: int, timeout: float) -> Mapping[str, Any]:
        """Decode these prompts, `batch` at a time, `tokens` tokens each."""
        ...


@dataclass(frozen=True)
class Plan:
    """What to measure: which text, how many requests at once, how long, how often; k is the speculative engine's."""

    workload: str
    k: int
    batch: int
    tokens: int
    rounds: int


def measure(
    plan: Plan,
    prompts: Sequence[Sequence[int]],
    baseline: Decoder,
    speculative: Decoder,
    on_round: Callable[[int], None] = lambda number: None,
) -> dict[str, Any]:
    """A capture (see `captures`). Raises EngineError.

    Rounds run AB, BA, AB, …: what slowly changes on the machine falls on both alike.
    """
    engines = {"baseline": baseline, "speculative": speculative}
    identity = {name: dict(engine.ready()) for name, engine in engines.items()}
    for engine in engines.values():
        engine.run(prompts[: plan.batch], plan.batch, _WARM_UP_TOKENS, RUN_S)
    rounds = []
    for number in range(plan.rounds):
        order = list(engines) if number % 2 == 0 else list(reversed(engines))
        rounds.append({name: dict(engines[name].run(prompts, plan.batch, plan.tokens, RUN_S)) for name in order})
        on_round(number + 1)
    return {
        "schema": "grader-capture/1",
        "kind": "measured",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": asdict(plan),
        "identity": identity,
        "rounds": rounds,
    }
